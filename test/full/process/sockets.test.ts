import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { moveProof, openPair, type Pair } from "../../support/moving.js";
import { twoKernels } from "../../support/two-kernels.js";
import { workbench } from "../../support/workbench.js";

let pair: Pair;

beforeAll(async () => {
  pair = await openPair(await twoKernels(await workbench()));
});

afterAll(() => pair.dispose());

describe("sockets go along to another kernel", () => {
  test.each([
    "unix_stream",
    "unix_dgram",
    "unix_listen",
    "tcp_listen",
    "tcp_established",
    "udp",
    "socket_options",
  ])("%s", async (name) => {
    expect(await moveProof(pair, name)).toBe(`PASSED ${name}`);
  });

  test("a connection that nobody has accepted is refused", async () => {
    await expect(moveProof(pair, "unix_backlog")).rejects.toThrow(/not accepted yet/);
  });

  test("descriptors under way in a message are refused", async () => {
    await expect(moveProof(pair, "passed_descriptors")).rejects.toThrow(/descriptors under way/);
  });
});
