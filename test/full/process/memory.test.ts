import { describe, expect, test } from "vitest";
import { moveProof } from "../../support/moving.js";
import { workbenchPair } from "../../support/workbench-pair.js";

const pair = workbenchPair();

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
