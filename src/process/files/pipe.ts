/**
 * Pipes and what is in them.
 *
 * References:
 * - [pipe(7)], [tee(2)], [fcntl(2)] F_SETPIPE_SZ
 */
import { z } from "zod";
import { bytes } from "../bytes-schema.js";
import type { Program } from "../../guest/gate.js";
import { OUT_BYTES, type Stub } from "../../guest/stub-session.js";
import { concat } from "../../guest/files.js";
import { type FileKind, isType } from "./file-kind.js";

/** @see pipe */
export const pipeSchema = z.strictObject({
  kind: z.literal("pipe"),
  /** Both ends of a pipe have the same name. */
  name: z.string(),
  /** As of [open(2)]: the way to use it, O_NONBLOCK, O_DIRECT. */
  flags: z.int(),
  /** How much it can hold, in bytes. */
  capacity: z.int().min(0),
  /** What was written and not yet read. */
  data: bytes,
});
type Pipe = z.infer<typeof pipeSchema>;

const O_ACCMODE = 3;
const O_RDONLY = 0;
const O_NONBLOCK = 0o4000;
const O_CLOEXEC = 0o2000000;
const F_SETFL = 4;
const F_SETPIPE_SZ = 1031;
const F_GETPIPE_SZ = 1032;
const SPLICE_F_NONBLOCK = 2;

/** An end of a pipe without a name. */
export const pipe: FileKind<Pipe> = {
  kind: "pipe",
  matches: ({ mode, link }) => isType(mode, "fifo") && link.startsWith("pipe:"),

  *capture(stub, { fd, link, flags }, { shared }) {
    const capacity = yield* stub.call("fcntl64", fd, F_GETPIPE_SZ, 0);
    const key = `pipe ${link}`;
    // Only the reading end can be looked into.
    if ((flags & O_ACCMODE) === O_RDONLY && !shared.has(key)) {
      shared.set(key, yield* peek(stub, fd, capacity));
    }
    const data = shared.get(key);
    return {
      kind: "pipe",
      name: link,
      flags,
      capacity,
      data: data instanceof Uint8Array ? data : new Uint8Array(0),
    };
  },

  *open(stub, { name, flags, capacity, data }, { shared }) {
    const key = `pipe ${name}`;
    const ends = shared.get(key) ?? (yield* makePipe(stub, capacity));
    shared.set(key, ends);
    if (!isPair(ends)) throw new TypeError(`${key} is no pipe`);
    const reads = (flags & O_ACCMODE) === O_RDONLY;
    if (reads && data.length > 0) yield* fill(stub, ends[1], data);
    const fd = yield* stub.call(
      "open",
      `/proc/self/fd/${reads ? ends[0] : ends[1]}`,
      flags | O_NONBLOCK,
    );
    yield* stub.call("fcntl64", fd, F_SETFL, flags);
    return fd;
  },
};

/** Copies what is in a pipe, and leaves it there. */
function* peek(stub: Stub, fd: number, capacity: number): Program<Uint8Array> {
  const [read, write] = yield* makePipe(stub, capacity);
  const copied = yield* stub.attempt("tee", fd, write, capacity, SPLICE_F_NONBLOCK);
  const pieces: Uint8Array[] = [];
  for (let left = Math.max(0, copied); left > 0;) {
    const length = yield* stub.call("read", read, stub.out, Math.min(left, OUT_BYTES));
    pieces.push(stub.results(length));
    left -= length;
  }
  yield* stub.call("close", read);
  yield* stub.call("close", write);
  return concat(pieces);
}

function* makePipe(stub: Stub, capacity: number): Program<readonly [number, number]> {
  yield* stub.call("pipe2", stub.out, O_NONBLOCK | O_CLOEXEC);
  const view = stub.view(8);
  const ends = [view.getInt32(0, true), view.getInt32(4, true)] as const;
  yield* stub.call("fcntl64", ends[1], F_SETPIPE_SZ, capacity);
  return ends;
}

function* fill(stub: Stub, write: number, data: Uint8Array): Program<void> {
  const piece = 4096;
  for (let at = 0; at < data.length; at += piece) {
    const next = data.subarray(at, at + piece);
    yield* stub.call("write", write, next, next.length);
  }
}

function isPair(value: unknown): value is readonly [number, number] {
  return Array.isArray(value) && value.length === 2;
}
