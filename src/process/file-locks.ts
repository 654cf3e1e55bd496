/**
 * Locks on files: of an open file (flock, OFD) and of a process (POSIX).
 *
 * References:
 * - [flock(2)], [fcntl(2)] advisory record locking, [proc_pid_fdinfo(5)]: lines `lock`, as in [proc_locks(5)]
 */
import { z } from "zod";
import { SystemCallFailed } from "../guest/errno.js";
import type { Program } from "../guest/gate.js";
import { ProcfsError } from "../guest/procfs.js";
import type { Stub } from "../guest/stub-session.js";
import { CannotCarry } from "./files/file-kind.js";

/** @see parseLocks */
export const lockSchema = z.strictObject({
  /** Of a whole open file, of a range by an open file, of a range by a process. */
  type: z.enum(["flock", "open-file", "process"]),
  exclusive: z.boolean(),
  /** First byte, and the last one; null for the end of the file, wherever it comes to be. */
  start: z.bigint(),
  last: z.bigint().nullable(),
});
/** A lock on a file. */
export type Lock = z.infer<typeof lockSchema>;

const TYPES = { FLOCK: "flock", OFDLCK: "open-file", POSIX: "process" } as const;

const LOCK_SH_NB = 5;
const LOCK_EX_NB = 6;
const F_SETLK64 = 13;
const F_OFD_SETLK = 37;
const F_RDLCK = 0;
const F_WRLCK = 1;

/**
 * Parses the values of the lines `lock` of an fdinfo.
 *
 * @param where the descriptor, for messages
 * @throws {CannotCarry} for a lease, which is no lock
 */
export function parseLocks(values: readonly string[], where: string): Lock[] {
  return values.map((value) => {
    const found = /^\d+: (\w+) +\w+ +(READ|WRITE) +-?\d+ \S+ (\d+) (\d+|EOF)$/.exec(value);
    if (/^\d+: LEASE /.test(value)) throw new CannotCarry(`there is a lease on ${where}`);
    const type = Object.entries(TYPES).find(([name]) => name === found?.[1])?.[1];
    if (found === null || type === undefined) throw new ProcfsError(`no lock: "${value}"`);
    const [, , mode, start = "", last = ""] = found;
    return {
      type,
      exclusive: mode === "WRITE",
      start: BigInt(start),
      last: last === "EOF" ? null : BigInt(last),
    };
  });
}

/**
 * Takes a lock; one that is held already is left as it is.
 *
 * @param stub in the process that is to have it
 * @throws {CannotCarry} if another process of this system holds it
 */
export function* takeLock(stub: Stub, fd: number, lock: Lock): Program<void> {
  const { type, exclusive, start, last } = lock;
  try {
    if (type === "flock") {
      yield* stub.call("flock", fd, exclusive ? LOCK_EX_NB : LOCK_SH_NB);
      return;
    }
    // struct flock64: type, whence, start, length (0 up to the end), process.
    const range = new DataView(new ArrayBuffer(24));
    range.setInt16(0, exclusive ? F_WRLCK : F_RDLCK, true);
    range.setBigInt64(4, start, true);
    range.setBigInt64(12, last === null ? 0n : last - start + 1n, true);
    const command = type === "process" ? F_SETLK64 : F_OFD_SETLK;
    yield* stub.call("fcntl64", fd, command, new Uint8Array(range.buffer));
  } catch (error) {
    if (!(error instanceof SystemCallFailed && error.is("EAGAIN", "EACCES"))) throw error;
    throw new CannotCarry(`a lock on descriptor ${fd} is held by another process here`);
  }
}
