/**
 * Whom signals about an open file go to.
 *
 * References:
 * - [fcntl(2)] managing signals: F_SETOWN_EX, F_SETSIG; [open(2)] O_ASYNC
 */
import { z } from "zod";
import type { Program } from "../guest/gate.js";
import type { Stub } from "../guest/stub-session.js";
import { CannotCarry, type FoundFile, nameOf } from "./files/file-kind.js";

/** @see readOwner */
export const ownerSchema = z.strictObject({
  /** Thread 0, process 1, process group 2. */
  type: z.int().min(0).max(2),
  /** Thread, process or process group id; 0 for nobody. */
  id: z.int().min(0),
  /** 0 for SIGIO. */
  signal: z.int().min(0).max(64),
  /** Whether it has O_ASYNC. */
  asynchronous: z.boolean(),
});
/** Owner of an open file. */
export type Owner = z.infer<typeof ownerSchema>;

const F_GETFL = 3;
const F_SETFL = 4;
const F_SETSIG = 10;
const F_GETSIG = 11;
const F_SETOWN_EX = 15;
const F_GETOWN_EX = 16;
const O_ASYNC = 0o20000;
const O_PATH = 0o10000000;
const THREAD = 0;

/**
 * The owner of an open file; null if nobody was ever to get a signal.
 *
 * @throws {CannotCarry} if it is not one of the processes that are captured
 */
export function* readOwner(
  stub: Stub,
  file: FoundFile,
  pids: ReadonlySet<number>,
): Program<Owner | null> {
  if ((file.flags & O_PATH) !== 0) return null;
  yield* stub.call("fcntl64", file.fd, F_GETOWN_EX, stub.out);
  const view = stub.view(8);
  const type = view.getInt32(0, true);
  const id = view.getInt32(4, true);
  const signal = yield* stub.call("fcntl64", file.fd, F_GETSIG, 0);
  const flags = parseInt(file.info.get("flags")?.[0] ?? "0", 8);
  const asynchronous = (flags & O_ASYNC) !== 0;
  if (id === 0 && signal === 0 && !asynchronous) return null;
  if (id !== 0 && !pids.has(id) && !(type === THREAD && (yield* isThreadOf(stub, id, pids)))) {
    throw new CannotCarry(`signals about ${nameOf(file)} go to ${id}, which is not moved with it`);
  }
  return { type, id, signal, asynchronous };
}

/** Sets the owner of an open file; it must be there. */
export function* setOwner(stub: Stub, fd: number, owner: Owner): Program<void> {
  const { type, id, signal, asynchronous } = owner;
  if (id !== 0) {
    const value = new Uint8Array(Int32Array.of(type, id).buffer);
    yield* stub.call("fcntl64", fd, F_SETOWN_EX, value);
  }
  if (signal !== 0) yield* stub.call("fcntl64", fd, F_SETSIG, signal);
  if (asynchronous) {
    const flags = yield* stub.call("fcntl64", fd, F_GETFL, 0);
    yield* stub.call("fcntl64", fd, F_SETFL, flags | O_ASYNC);
  }
}

function* isThreadOf(stub: Stub, tid: number, pids: ReadonlySet<number>): Program<boolean> {
  for (const pid of pids) {
    if ((yield* stub.attempt("access", `/proc/${pid}/task/${tid}`, 0)) === 0) return true;
  }
  return false;
}
