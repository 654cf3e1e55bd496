import { describe, expect, test } from "vitest";
import { moveProof } from "../../support/moving.js";
import { workbenchPair } from "../../support/workbench-pair.js";

const pair = workbenchPair();

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
