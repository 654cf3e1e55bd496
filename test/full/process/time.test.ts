import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { moveProof, openPair, type Pair } from "../../support/moving.js";
import { twoKernels } from "../../support/two-kernels.js";
import { workbench } from "../../support/workbench.js";

let pair: Pair;

beforeAll(async () => {
  pair = await openPair(await twoKernels(await workbench()));
});

afterAll(() => pair.dispose());

describe("clocks and timers go on on another kernel", () => {
  test.each(["vdso_clock", "interval_timers", "posix_timers", "restarted_sleep"])(
    "%s",
    async (name) => {
      expect(await moveProof(pair, name)).toBe(`PASSED ${name}`);
    },
  );
});
