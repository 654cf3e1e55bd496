/**
 * System calls on sockets, as the kinds of sockets need them.
 *
 * References:
 * - [socket(7)], [recv(2)], [send(2)], [cmsg(3)]; numbers and layouts are those of i386
 */
import type { Program } from "../../guest/gate.js";
import type { Stub } from "../../guest/stub-session.js";

/** The level of options of [socket(7)]. */
export const SOL_SOCKET = 1;
/** Of [socket(7)]. */
export const SO_REUSEADDR = 2;
/** The same as FIONREAD. */
const SIOCINQ = 0x541b;
const SO_SNDBUF = 7;
const SO_SNDBUFFORCE = 32;
const SO_PEEK_OFF = 42;
const SO_BUF_LOCK = 72;
const MSG_PEEK = 2;
const MSG_TRUNC = 0x20;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const MSG_CMSG_CLOEXEC = 0x40000000;
const SCM_RIGHTS = 1;
const EAGAIN = 11;
const ADDRESS_BYTES = 128;

// Where in `out` the parts of a call lie: for options and addresses a length and a value; for messages
// `struct msghdr`, `struct iovec`, sender, control messages.
const VALUE = 16;
const IOVEC = 32;
const SENDER = 64;
const CONTROL = 256;
const CONTROL_BYTES = 4096;
/** The largest datagram, and the largest piece of a stream that is taken at once, in bytes. */
const MOST_BYTES = 0x80000;
/** More messages than any queue holds. */
const MOST_MESSAGES = 0x10000;
/** What one call can take along; see {@link Stub}. */
const SEND_BYTES = 0x8000;
/** Room for what one socket sends while its peer's queue is filled. */
const ROOM_BYTES = 0x1000000;

/** A message that waits in a socket; of a stream, all that waits. */
export interface Message {
  readonly data: Uint8Array;
  /** Address of who sent it; empty if it had none. */
  readonly from: Uint8Array;
}

/** Something that was found in a socket's queue and cannot be put into another. */
export class QueueNotCarried extends Error {
  override readonly name = "QueueNotCarried";
}

/** The value of an option of [getsockopt(2)], or null if the socket has no such option. */
export function* getOption(
  stub: Stub,
  fd: number,
  level: number,
  option: number,
  bytes: number,
): Program<Uint8Array | null> {
  stub.memory.write(stub.out, word(bytes));
  const at = stub.out + VALUE;
  const result = yield* stub.attempt("getsockopt", fd, level, option, at, stub.out);
  if (result < 0) return null;
  const length = Math.min(stub.view(4).getUint32(0, true), bytes);
  return stub.results(VALUE + length).subarray(VALUE);
}

/** The same for an option that is a number; 0 if there is no such option. */
export function* getNumber(stub: Stub, fd: number, level: number, option: number): Program<number> {
  const value = yield* getOption(stub, fd, level, option, 4);
  if (value === null || value.length < 4) return 0;
  return new DataView(value.buffer, value.byteOffset).getInt32(0, true);
}

/** Sets an option that is a number. */
export function* setNumber(
  stub: Stub,
  fd: number,
  level: number,
  option: number,
  value: number,
): Program<void> {
  yield* stub.call("setsockopt", fd, level, option, word(value), 4);
}

/** The address of a socket, or of its peer; empty if there is none. */
export function* getAddress(
  stub: Stub,
  fd: number,
  whose: "getsockname" | "getpeername",
): Program<Uint8Array> {
  stub.memory.write(stub.out, word(ADDRESS_BYTES));
  const result = yield* stub.attempt(whose, fd, stub.out + VALUE, stub.out);
  if (result < 0) return new Uint8Array(0);
  const length = Math.min(stub.view(4).getUint32(0, true), ADDRESS_BYTES);
  return stub.results(VALUE + length).subarray(VALUE);
}

/** What [poll(2)] tells of a descriptor at once. */
export function* pollNow(stub: Stub, fd: number, events: number): Program<number> {
  const asked = new DataView(new ArrayBuffer(8));
  asked.setInt32(0, fd, true);
  asked.setInt16(4, events, true);
  stub.memory.write(stub.out, new Uint8Array(asked.buffer));
  yield* stub.call("poll", stub.out, 1, 0);
  return stub.view(8).getUint16(6, true);
}

/** How many bytes wait in a socket that has a peer; of datagrams, in the first of them. */
export function* bytesWaiting(stub: Stub, fd: number): Program<number> {
  yield* stub.call("ioctl", fd, SIOCINQ, stub.out);
  return stub.view(4).getInt32(0, true);
}

/**
 * Copies the messages that wait in a socket, and leaves them there.
 *
 * @param bytes the most that a message can have
 * @param total what all messages have, if it is known: an empty one behind that says that there is no more
 * @throws {QueueNotCarried} if one is longer, or descriptors are under way in it
 */
export function* peekMessages(
  stub: Stub,
  fd: number,
  {
    stream,
    bytes = MOST_BYTES,
    total = Infinity,
  }: { readonly stream: boolean; readonly bytes?: number; readonly total?: number },
): Program<Message[]> {
  const messages: Message[] = [];
  let left = total;
  yield* withBuffer(stub, bytes, function* (buffer) {
    // A socket without this option gives the first again and again.
    const offset = yield* getNumber(stub, fd, SOL_SOCKET, SO_PEEK_OFF);
    const goesOn =
      (yield* stub.attempt("setsockopt", fd, SOL_SOCKET, SO_PEEK_OFF, word(0), 4)) === 0;
    try {
      while (messages.length < MOST_MESSAGES) {
        const message = yield* peekMessage(stub, fd, buffer, bytes);
        if (message === null) break;
        if (message.data.length === 0 && (stream || left <= 0)) break;
        left -= message.data.length;
        messages.push(message);
        if (!goesOn) break;
      }
    } finally {
      if (goesOn) yield* setNumber(stub, fd, SOL_SOCKET, SO_PEEK_OFF, offset);
    }
  });
  return messages;
}

function* peekMessage(
  stub: Stub,
  fd: number,
  buffer: number,
  bytes: number,
): Program<Message | null> {
  const { out } = stub;
  const header = Uint32Array.of(out + SENDER, ADDRESS_BYTES, out + IOVEC, 1, out + CONTROL);
  stub.memory.write(out, new Uint8Array(header.buffer));
  stub.memory.write(out + 20, new Uint8Array(Uint32Array.of(CONTROL_BYTES, 0).buffer));
  stub.memory.write(out + IOVEC, new Uint8Array(Uint32Array.of(buffer, bytes).buffer));
  const flags = MSG_PEEK | MSG_DONTWAIT | MSG_CMSG_CLOEXEC;
  const length = yield* stub.attempt("recvmsg", fd, out, flags);
  if (length < 0) return null;
  const result = stub.view(CONTROL + CONTROL_BYTES);
  const descriptors = passedDescriptors(result);
  for (const descriptor of descriptors) yield* stub.attempt("close", descriptor);
  if (descriptors.length > 0) {
    throw new QueueNotCarried("has descriptors under way in a message that nobody has read");
  }
  if ((result.getUint32(24, true) & MSG_TRUNC) !== 0) {
    throw new QueueNotCarried(`holds a message of more than ${bytes} bytes`);
  }
  const sender = Math.min(result.getUint32(4, true), ADDRESS_BYTES);
  return {
    data: stub.memory.read(buffer, length),
    from: stub.results(SENDER + sender).subarray(SENDER),
  };
}

/** Descriptors that came with a message: from what [recvmsg(2)] has put to `out`. */
function passedDescriptors(result: DataView): number[] {
  const end = CONTROL + Math.min(result.getUint32(20, true), CONTROL_BYTES);
  const descriptors: number[] = [];
  for (let at = CONTROL; at + 12 <= end;) {
    const length = result.getUint32(at, true);
    if (length < 12) break;
    const rights =
      result.getInt32(at + 4, true) === SOL_SOCKET && result.getInt32(at + 8, true) === SCM_RIGHTS;
    for (let each = at + 12; rights && each + 4 <= Math.min(at + length, end); each += 4) {
      descriptors.push(result.getInt32(each, true));
    }
    at += (length + 3) & ~3;
  }
  return descriptors;
}

/**
 * Sends data of a stream, or one datagram, without blocking.
 *
 * @param to address of a datagram; empty to send to the peer
 * @throws {QueueNotCarried} if it is not taken
 */
export function* send(
  stub: Stub,
  fd: number,
  { stream, data, to = new Uint8Array(0) }: { stream: boolean; data: Uint8Array; to?: Uint8Array },
): Program<void> {
  // None on kernels before 5.14.
  const locked = yield* getOption(stub, fd, SOL_SOCKET, SO_BUF_LOCK, 4);
  const room = yield* getNumber(stub, fd, SOL_SOCKET, SO_SNDBUF);
  yield* setNumber(stub, fd, SOL_SOCKET, SO_SNDBUFFORCE, ROOM_BYTES);
  try {
    let left = data;
    do {
      const piece = stream ? left.subarray(0, SEND_BYTES) : left;
      const sent = yield* sendPiece(stub, fd, piece, to);
      left = left.subarray(sent);
    } while (left.length > 0);
  } finally {
    yield* setNumber(stub, fd, SOL_SOCKET, SO_SNDBUFFORCE, room / 2);
    if (locked !== null) {
      yield* stub.call("setsockopt", fd, SOL_SOCKET, SO_BUF_LOCK, locked, locked.length);
    }
  }
}

function* sendPiece(stub: Stub, fd: number, piece: Uint8Array, to: Uint8Array): Program<number> {
  const target = to.length === 0 ? 0 : to;
  const flags = MSG_DONTWAIT | MSG_NOSIGNAL;
  const sent = yield* stub.attempt("sendto", fd, piece, piece.length, flags, target, to.length);
  if (sent < 0 || (sent === 0 && piece.length > 0)) {
    throw new QueueNotCarried(
      sent === -EAGAIN ? "does not take all that is queued in it" : `takes no data: error ${-sent}`,
    );
  }
  return sent;
}

function* withBuffer(
  stub: Stub,
  bytes: number,
  work: (address: number) => Program<void>,
): Program<void> {
  const privateAnonymousPopulated = 0x8022;
  const address = yield* stub.call("mmap2", 0, bytes, 3, privateAnonymousPopulated, -1, 0);
  try {
    yield* work(address >>> 0);
  } finally {
    yield* stub.call("munmap", address, bytes);
  }
}

/** A number as the kernel takes it. */
export function word(value: number): Uint8Array {
  return new Uint8Array(Int32Array.of(value).buffer);
}
