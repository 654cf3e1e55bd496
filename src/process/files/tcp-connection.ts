/**
 * TCP connections within one machine: which ends belong together, and what is on its way between them.
 *
 * References:
 * - [tcp(7)]; TCP_REPAIR, TCP_REPAIR_QUEUE, TCP_QUEUE_SEQ by include/uapi/linux/tcp.h
 */
import { concat } from "../../guest/files.js";
import type { Program } from "../../guest/gate.js";
import type { Stub } from "../../guest/stub-session.js";
import { type CaptureContext, type FoundFile, isType } from "./file-kind.js";
import { endpointOf, showEndpoint } from "./inet-address.js";
import { listTcp } from "./tcp-table.js";
import {
  getAddress,
  getNumber,
  peekMessages,
  setNumber,
  SO_REUSEADDR,
  SOL_SOCKET,
} from "./socket-calls.js";
import type { SocketState } from "./socket-state.js";

const IPPROTO_TCP = 6;
const TCP_REPAIR = 19;
const TCP_REPAIR_QUEUE = 20;
const TCP_QUEUE_SEQ = 21;
const REPAIR_ON = 1;
/** Ends it without telling the peer anything. */
const REPAIR_OFF = -1;
const RECEIVE_QUEUE = 1;
const SEND_QUEUE = 2;
const FIONREAD = 0x541b;
const SIOCOUTQ = 0x5411;
const SO_PROTOCOL = 38;
const PAGE = 4096;

type Ends = Pick<SocketState, "family" | "address" | "peerAddress">;

/** The captured socket at the other end of a connection, or null if it is not captured. */
export function* findPeer(
  stub: Stub,
  { family, address, peerAddress }: Ends,
  context: CaptureContext,
): Program<FoundFile | null> {
  const sockets = yield* once(context, "TCP sockets", () => socketsByEnds(stub, context));
  // Ends of different families would have to be made in another way.
  const key = keyOf({ family, address: peerAddress, peerAddress: address });
  return (key === null ? undefined : sockets.get(key)) ?? null;
}

/** Whether no process holds the other end of a connection any more: it waits for what is left to be read. */
export function* isAbandoned(
  stub: Stub,
  { address, peerAddress }: Ends,
  context: CaptureContext,
): Program<boolean> {
  const abandoned = yield* once(context, "abandoned TCP connections", function* () {
    const held = (yield* listTcp(stub)).filter(({ inode }) => inode === 0);
    return new Set(
      held.map(({ local, remote }) => `${showEndpoint(local)} ${showEndpoint(remote)}`),
    );
  });
  const [own, peer] = [endpointOf(address), endpointOf(peerAddress)];
  if (own === null || peer === null) return false;
  return abandoned.has(`${showEndpoint(peer)} ${showEndpoint(own)}`);
}

/** The captured TCP sockets, each by its two ends. */
function* socketsByEnds(
  stub: Stub,
  { files }: CaptureContext,
): Program<ReadonlyMap<string, FoundFile>> {
  const sockets = new Map<string, FoundFile>();
  for (const file of files) {
    if (!isType(file.mode, "socket")) continue;
    if ((yield* getNumber(stub, file.fd, SOL_SOCKET, SO_PROTOCOL)) !== IPPROTO_TCP) continue;
    const address = yield* getAddress(stub, file.fd, "getsockname");
    const peerAddress = yield* getAddress(stub, file.fd, "getpeername");
    const key = keyOf({ family: address[0] ?? 0, address, peerAddress });
    if (key !== null && !sockets.has(key)) sockets.set(key, file);
  }
  return sockets;
}

/** What a socket is found by; null if it is no end of a connection. */
function keyOf({ family, address, peerAddress }: Ends): string | null {
  const [own, peer] = [endpointOf(address), endpointOf(peerAddress)];
  if (own === null || peer === null) return null;
  return `${family} ${showEndpoint(own)} ${showEndpoint(peer)}`;
}

/** Finds something out once for all sockets of a capture: asking for each of many would keep the user waiting. */
function* once<T>({ shared }: CaptureContext, name: string, find: () => Program<T>): Program<T> {
  // Nobody else puts anything under these names.
  const known = shared.get(name) as T | undefined;
  if (known !== undefined) return known;
  const found = yield* find();
  shared.set(name, found);
  return found;
}

/** All that has reached one end and was not read. */
export function* peekReceived(stub: Stub, receiver: number): Program<Uint8Array> {
  return yield* peekStream(stub, receiver, yield* ioctlNumber(stub, receiver, FIONREAD));
}

/** All that one end has sent and the other has not read. */
export function* peekUnread(
  stub: Stub,
  { receiver, sender }: { readonly receiver: number; readonly sender: number },
): Program<Uint8Array> {
  const there = yield* peekReceived(stub, receiver);
  const unacknowledged = yield* ioctlNumber(stub, sender, SIOCOUTQ);
  if (unacknowledged <= 0) return there;
  const sent = yield* repair(stub, sender, SEND_QUEUE, function* () {
    const end = yield* getNumber(stub, sender, IPPROTO_TCP, TCP_QUEUE_SEQ);
    return { end, data: yield* peekStream(stub, sender, unacknowledged) };
  });
  const received = yield* repair(stub, receiver, RECEIVE_QUEUE, () =>
    getNumber(stub, receiver, IPPROTO_TCP, TCP_QUEUE_SEQ),
  );
  const missing = Math.min(Math.max(0, (sent.end - received) | 0), sent.data.length);
  return concat([there, sent.data.subarray(sent.data.length - missing)]);
}

/** Does something while a socket shows one of its queues, and leaves the socket as it was. */
function* repair<T>(stub: Stub, fd: number, queue: number, work: () => Program<T>): Program<T> {
  const reuse = yield* getNumber(stub, fd, SOL_SOCKET, SO_REUSEADDR);
  yield* setNumber(stub, fd, IPPROTO_TCP, TCP_REPAIR, REPAIR_ON);
  try {
    yield* setNumber(stub, fd, IPPROTO_TCP, TCP_REPAIR_QUEUE, queue);
    return yield* work();
  } finally {
    yield* setNumber(stub, fd, IPPROTO_TCP, TCP_REPAIR, REPAIR_OFF);
    yield* setNumber(stub, fd, SOL_SOCKET, SO_REUSEADDR, reuse);
  }
}

function* peekStream(stub: Stub, fd: number, length: number): Program<Uint8Array> {
  if (length <= 0) return new Uint8Array(0);
  const bytes = Math.ceil(length / PAGE) * PAGE;
  const messages = yield* peekMessages(stub, fd, { stream: true, bytes });
  return concat(messages.map(({ data }) => data));
}

function* ioctlNumber(stub: Stub, fd: number, request: number): Program<number> {
  const result = yield* stub.attempt("ioctl", fd, request, stub.out);
  return result < 0 ? 0 : stub.view(4).getInt32(0, true);
}
