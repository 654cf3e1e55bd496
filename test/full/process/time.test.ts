import { describe, expect, test } from "vitest";
import { moveProof } from "../../support/moving.js";
import { workbenchPair } from "../../support/workbench-pair.js";

const pair = workbenchPair();

describe("clocks and timers go on on another kernel", () => {
  test.each(["vdso_clock", "interval_timers", "posix_timers", "restarted_sleep"])(
    "%s",
    async (name) => {
      expect(await moveProof(pair, name)).toBe(`PASSED ${name}`);
    },
  );
});
