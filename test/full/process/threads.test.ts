import { describe, expect, test } from "vitest";
import { moveProof } from "../../support/moving.js";
import { workbenchPair } from "../../support/workbench-pair.js";

const pair = workbenchPair();

describe("registers and threads go along to another kernel", () => {
  test.each(["registers", "x87", "sse", "tls", "threads", "robust_list", "rseq"])(
    "%s",
    async (name) => {
      expect(await moveProof(pair, name)).toBe(`PASSED ${name}`);
    },
  );
});
