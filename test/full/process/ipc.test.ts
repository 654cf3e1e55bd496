import { describe, expect, test } from "vitest";
import { moveProof } from "../../support/moving.js";
import { workbenchPair } from "../../support/workbench-pair.js";

const pair = workbenchPair();

describe("ways in which processes talk go along to another kernel", () => {
  test.each(["sysv_shm", "sysv_sem", "sysv_msg", "posix_shm", "posix_mq", "posix_sem"])(
    "%s",
    async (name) => {
      expect(await moveProof(pair, name)).toBe(`PASSED ${name}`);
    },
  );
});
