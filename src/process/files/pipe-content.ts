/**
 * What is under way in a pipe, with or without a name.
 *
 * References:
 * - [pipe(7)], [tee(2)], [fcntl(2)] F_SETPIPE_SZ
 */
import { z } from "zod";
import type { Program } from "../../guest/gate.js";
import { listNumbers } from "../../guest/files.js";
import { OUT_BYTES, type Stub } from "../../guest/stub-session.js";
import { bytes } from "../bytes-schema.js";
import {
  CannotCarry,
  type CaptureContext,
  type FoundFile,
  identityOf,
  nameOf,
} from "./file-kind.js";

/** The two descriptors of a pipe. */
export interface PipeEnds {
  readonly read: number;
  readonly write: number;
}

const O_ACCMODE = 3;
const O_WRONLY = 1;
const O_NONBLOCK = 0o4000;
const O_DIRECT = 0o40000;
const O_CLOEXEC = 0o2000000;
const F_SETFL = 4;
const F_SETPIPE_SZ = 1031;
const F_GETPIPE_SZ = 1032;
const SPLICE_F_NONBLOCK = 2;
const PAGE_BYTES = 4096;

/** @see readPipe */
export const pipeContentSchema = z.strictObject({
  /** How much it can hold, in bytes. */
  capacity: z.int().min(0),
  /** What was written and not yet read, at the first end that reads. */
  data: z.array(bytes),
  /** Whether each piece of the data is a packet, which is read by itself. */
  packets: z.boolean(),
});
/** What is known of a pipe by one of its ends. */
export type PipeContent = z.infer<typeof pipeContentSchema>;

/**
 * Reads an end of a pipe without changing it. Its data come with the first end that can be read from.
 *
 * @throws {CannotCarry} if the pipe leads to a process that is not captured
 */
export function* readPipe(
  stub: Stub,
  file: FoundFile,
  context: CaptureContext,
): Program<PipeContent> {
  const { fd, flags } = file;
  yield* refuseOutsiders(stub, file, context);
  const capacity = yield* stub.call("fcntl64", fd, F_GETPIPE_SZ, 0);
  const key = `content of pipe ${identityOf(file)}`;
  // Only a reading end can be looked into.
  const isFirst = (flags & O_ACCMODE) !== O_WRONLY && !context.shared.has(key);
  if (!isFirst) return { capacity, data: [], packets: false };
  context.shared.set(key, true);
  const { pieces, cut } = yield* peek(stub, fd, capacity);
  // Only the end that is written to says that it makes packets; it may be closed by now.
  const ends = context.files.filter((each) => identityOf(each) === identityOf(file));
  const packets = cut || ends.some((end) => (end.flags & O_DIRECT) !== 0);
  return { capacity, data: pieces, packets };
}

/** Makes a pipe of a capacity. */
export function* makePipe(stub: Stub, capacity: number): Program<PipeEnds> {
  yield* stub.call("pipe2", stub.out, O_NONBLOCK | O_CLOEXEC);
  const view = stub.view(8);
  const ends = { read: view.getInt32(0, true), write: view.getInt32(4, true) };
  yield* stub.call("fcntl64", ends.write, F_SETPIPE_SZ, capacity);
  return ends;
}

/** Opens an end of a pipe, by the path of the pipe or of a descriptor. */
export function* openEnd(stub: Stub, path: string, flags: number): Program<number> {
  const fd = yield* stub.call("open", path, (flags & ~O_DIRECT) | O_NONBLOCK);
  yield* stub.call("fcntl64", fd, F_SETFL, flags);
  return fd;
}

/** Writes to a pipe what was under way in another. */
export function* fillPipe(
  stub: Stub,
  write: number,
  { data, packets }: PipeContent,
): Program<void> {
  if (data.length === 0) return;
  yield* stub.call("fcntl64", write, F_SETFL, O_NONBLOCK | (packets ? O_DIRECT : 0));
  for (const piece of data) {
    // More than a page at once is written in part if it does not fit as a whole.
    for (let at = 0; at < piece.length; at += PAGE_BYTES) {
      const next = piece.subarray(at, at + PAGE_BYTES);
      const written = yield* stub.call("write", write, next, next.length);
      if (written !== next.length) throw new CannotCarry("a pipe cannot hold what was in it");
    }
  }
  yield* stub.call("fcntl64", write, F_SETFL, O_NONBLOCK);
}

/** Copies what is in a pipe, and leaves it there; `cut` if a reading has ended before the data did. */
function* peek(
  stub: Stub,
  fd: number,
  capacity: number,
): Program<{ pieces: Uint8Array[]; cut: boolean }> {
  const { read, write } = yield* makePipe(stub, capacity);
  const copied = yield* stub.attempt("tee", fd, write, capacity, SPLICE_F_NONBLOCK);
  const pieces: Uint8Array[] = [];
  let cut = false;
  for (let left = Math.max(0, copied); left > 0;) {
    const most = Math.min(left, OUT_BYTES);
    const length = yield* stub.call("read", read, stub.out, most);
    if (length === 0) break;
    cut ||= length < most;
    pieces.push(stub.results(length));
    left -= length;
  }
  yield* stub.call("close", read);
  yield* stub.call("close", write);
  return { pieces, cut };
}

/** A pipe can be moved only with all that have it open. */
function* refuseOutsiders(
  stub: Stub,
  file: FoundFile,
  { pids, shared }: CaptureContext,
): Program<void> {
  const key = "pipes of processes that are not captured";
  const known = shared.get(key);
  const outside = known instanceof Map ? known : yield* pipesOutside(stub, pids);
  shared.set(key, outside);
  const pid: unknown = outside.get(identityOf(file));
  if (typeof pid !== "number") return;
  throw new CannotCarry(
    `${nameOf(file)} is open in process ${pid} too, which is not moved with it`,
  );
}

/** A process that has it open, for each pipe that is open in a process which is not captured. */
function* pipesOutside(stub: Stub, pids: ReadonlySet<number>): Program<Map<string, number>> {
  const own = yield* stub.call("getpid");
  const found = new Map<string, number>();
  for (const pid of yield* listNumbers(stub, "/proc")) {
    if (pids.has(pid) || pid === own) continue;
    yield* addPipes(stub, pid, found);
  }
  return found;
}

function* addPipes(stub: Stub, pid: number, found: Map<string, number>): Program<void> {
  const directory = yield* stub.attempt("access", `/proc/${pid}/fd`, 0);
  if (directory < 0) return;
  for (const number of yield* listNumbers(stub, `/proc/${pid}/fd`)) {
    if ((yield* stub.attempt("stat64", `/proc/${pid}/fd/${number}`, stub.out)) < 0) continue;
    const view = stub.view(96);
    const isPipe = (view.getUint32(16, true) & 0o170000) === 0o010000;
    const device = Number(view.getBigUint64(0, true));
    const inode = Number(view.getBigUint64(88, true));
    if (isPipe) found.set(identityOf({ device, inode }), pid);
  }
}
