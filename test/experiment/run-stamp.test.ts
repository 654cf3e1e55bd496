import { expect, test } from "vitest";
import { isPartOf } from "../../src/experiment/program-sha256.js";
import { BOOTING } from "../../src/experiment/kept-snapshot.js";
import { COMPUTING } from "../../src/experiment/run-stamp.js";

const isPartOfStamp = (name: string): boolean => isPartOf(COMPUTING, name);

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

test("what a stored boot depends on is what computes it", () => {
  for (const name of ["machine/run-loop.ts", "clock/machine-clock.js", "experiment/boot.ts"]) {
    expect(isPartOf(BOOTING, name), name).toBe(true);
  }
  expect(isPartOf(BOOTING, "reboot/shadow.ts")).toBe(false);
});
