import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { moveProof, openPair, type Pair } from "../../support/moving.js";
import { twoKernels } from "../../support/two-kernels.js";
import { workbench } from "../../support/workbench.js";

let pair: Pair;

beforeAll(async () => {
  pair = await openPair(await twoKernels(await workbench()));
});

afterAll(() => pair.dispose());

describe("registers and threads go along to another kernel", () => {
  test.each(["registers", "x87", "sse", "tls", "threads", "robust_list", "rseq"])(
    "%s",
    async (name) => {
      expect(await moveProof(pair, name)).toBe(`PASSED ${name}`);
    },
  );
});
