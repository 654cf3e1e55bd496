import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { moveProof, openPair, type Pair } from "../../support/moving.js";
import { twoKernels } from "../../support/two-kernels.js";
import { workbench } from "../../support/workbench.js";

let pair: Pair;

beforeAll(async () => {
  pair = await openPair(await twoKernels(await workbench()));
});

afterAll(() => pair.dispose());

describe("signals and interrupted calls go along to another kernel", () => {
  test.each([
    "signal_handlers",
    "alternate_stack",
    "inside_handler",
    "signal_mask",
    "pending_signals",
    "restarted_calls",
    "restarted_sysv",
  ])("%s", async (name) => {
    expect(await moveProof(pair, name)).toBe(`PASSED ${name}`);
  });
});
