import path from "node:path";
import { expect, test } from "vitest";
import { temporaryDirectory } from "../experiment/temporary-directory.js";
import { runProgram } from "../support/program.js";

test("a comparison of which nothing applies is no success", async () => {
  const out = path.join(temporaryDirectory(), "comparison");
  const args = ["compare", "busybox", "--strategies", "phase-reuse", "--out", out];
  expect(await runProgram(args)).toMatchObject({
    status: 1,
    stdout: expect.stringMatching(/^phase-reuse .* does not apply /m) as string,
  });
});
