import { expect, test } from "vitest";
import { isPartOfStamp } from "../../src/experiment/run-stamp.js";

test("a stamp stands for what computes a run and for what writes and reads its files", () => {
  const files = ["run-directory", "summary", "events", "probe-file", "perform-run"];
  for (const name of files) {
    expect(isPartOfStamp(`experiment/${name}.ts`), name).toBe(true);
    expect(isPartOfStamp(`experiment/${name}.d.ts`), name).toBe(false);
  }
  expect(isPartOfStamp("reboot/shadow.js")).toBe(true);
});

test("a stamp stays as it is when only what is shown of a run changes", () => {
  for (const name of ["experiment/claims.ts", "experiment/figures/curves.ts", "cli/columns.ts"]) {
    expect(isPartOfStamp(name), name).toBe(false);
  }
});
