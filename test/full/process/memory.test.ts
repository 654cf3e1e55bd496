import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { moveProof, openPair, type Pair } from "../../support/moving.js";
import { twoKernels } from "../../support/two-kernels.js";
import { workbench } from "../../support/workbench.js";

let pair: Pair;

beforeAll(async () => {
  pair = await openPair(await twoKernels(await workbench()));
});

afterAll(() => pair.dispose());

describe("memory goes along to another kernel", () => {
  test.each([
    "private_memory",
    "shared_anonymous",
    "private_file_mapping",
    "shared_file_mapping",
    "deleted_file_mapping",
    "brk",
    "growing_stack",
    "mlock",
    "huge_and_zero_pages",
    "arguments",
  ])("%s", async (name) => {
    expect(await moveProof(pair, name)).toBe(`PASSED ${name}`);
  });
});
