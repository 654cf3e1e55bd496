import { expect, test } from "vitest";
import type { Program } from "../../../src/guest/gate.js";
import type { Stub } from "../../../src/guest/stub-session.js";
import { bytesWaiting, peekMessages } from "../../../src/process/files/socket-calls.js";
import { outcomeOf } from "../../carry-over/proc-stub.js";

const EAGAIN = 11;

/** A socket in which packets wait; behind the last one comes nothing, or empty ones for ever. */
function stubWithPackets(packets: readonly string[], { isEnded }: { isEnded: boolean }): Stub {
  const bytes = packets.map((packet) => new TextEncoder().encode(packet));
  const total = bytes.reduce((sum, { length }) => sum + length, 0);
  let next = 0;
  let packet = new Uint8Array();
  function* call(name: string): Program<number> {
    if (name !== "recvmsg") return 0;
    const found = bytes[next++];
    if (found === undefined && !isEnded) return -EAGAIN;
    packet = Uint8Array.from(found ?? []);
    return packet.length;
  }
  const memory = { write: () => undefined, read: () => packet };
  const view = (length: number): DataView => {
    const words = new DataView(new ArrayBuffer(length));
    if (length === 4) words.setInt32(0, total, true);
    return words;
  };
  // To peek at messages takes no more of a stub.
  return {
    ...{ out: 0, memory, call, attempt: call, view },
    results: (length: number) => new Uint8Array(length),
  } as unknown as Stub;
}

function peekedIn(stub: Stub, total?: number): string[] {
  const known = total === undefined ? {} : { total };
  const messages = outcomeOf(peekMessages(stub, 3, { stream: false, ...known }));
  return messages.map(({ data }) => new TextDecoder().decode(data));
}

test("packets that wait are copied, the empty ones too", () => {
  const packets = ["", "one", "", "two", ""];
  expect(peekedIn(stubWithPackets(packets, { isEnded: false }))).toEqual(packets);
});

test("where nobody sends any more, empty packets behind the last byte are the end", () => {
  const stub = stubWithPackets(["", "one", "", "two"], { isEnded: true });
  const total = outcomeOf(bytesWaiting(stub, 3));
  expect(total).toBe(6);
  expect(peekedIn(stub, total)).toEqual(["", "one", "", "two"]);
  expect(peekedIn(stubWithPackets([], { isEnded: true }), 0)).toEqual([]);
});
