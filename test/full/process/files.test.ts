import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { moveProof, openPair, type Pair } from "../../support/moving.js";
import { twoKernels } from "../../support/two-kernels.js";
import { workbench } from "../../support/workbench.js";

let pair: Pair;

beforeAll(async () => {
  pair = await openPair(await twoKernels(await workbench()));
});

afterAll(() => pair.dispose());

describe("open files go along to another kernel", () => {
  test.each([
    "regular_file",
    "directory_fd",
    "deleted_file",
    "file_locks",
    "pipes",
    "fifo",
    "eventfd",
    "epoll",
    "signalfd",
    "timerfd",
    "inotify",
    "memfd",
    "pidfd",
  ])("%s", async (name) => {
    expect(await moveProof(pair, name)).toBe(`PASSED ${name}`);
  });
});
