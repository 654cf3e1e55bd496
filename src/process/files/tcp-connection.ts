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

/** The captured socket at the other end of a connection, or null if it is not captured. */
export function* findPeer(
  stub: Stub,
  { family, address, peerAddress }: Pick<SocketState, "family" | "address" | "peerAddress">,
  { files }: CaptureContext,
): Program<FoundFile | null> {
  for (const file of files) {
    if (!isType(file.mode, "socket")) continue;
    if ((yield* getNumber(stub, file.fd, SOL_SOCKET, SO_PROTOCOL)) !== IPPROTO_TCP) continue;
    const its = yield* getAddress(stub, file.fd, "getsockname");
    const itsPeer = yield* getAddress(stub, file.fd, "getpeername");
    // Ends of different families would have to be made in another way.
    if (its[0] !== family) continue;
    if (same(its, peerAddress) && same(itsPeer, address)) return file;
  }
  return null;
}

/** Whether no process holds the other end of a connection any more: it waits for what is left to be read. */
export function* isAbandoned(
  stub: Stub,
  { address, peerAddress }: Pick<SocketState, "address" | "peerAddress">,
): Program<boolean> {
  const [own, peer] = [endpointOf(address), endpointOf(peerAddress)];
  if (own === null || peer === null) return false;
  return (yield* listTcp(stub)).some(
    ({ local, remote, inode }) =>
      inode === 0 &&
      showEndpoint(local) === showEndpoint(peer) &&
      showEndpoint(remote) === showEndpoint(own),
  );
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  const [first, second] = [endpointOf(a), endpointOf(b)];
  return first !== null && second !== null && showEndpoint(first) === showEndpoint(second);
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
