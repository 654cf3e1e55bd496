/**
 * Counters of eventfd.
 *
 * References:
 * - [eventfd(2)], [proc_pid_fdinfo(5)]: the count is in hexadecimal; `eventfd-semaphore` is there since Linux 6.5
 */
import { z } from "zod";
import type { Program } from "../../guest/gate.js";
import { field } from "../../guest/procfs.js";
import type { Stub } from "../../guest/stub-session.js";
import type { FileKind, FoundFile } from "./file-kind.js";

/** @see eventFd */
export const eventFdSchema = z.strictObject({
  kind: z.literal("eventfd"),
  /** O_NONBLOCK or none. */
  flags: z.int(),
  count: z.bigint(),
  /** Whether each reading takes one. */
  semaphore: z.boolean(),
});
type EventFd = z.infer<typeof eventFdSchema>;

const EFD_SEMAPHORE = 1;
const O_NONBLOCK = 0o4000;
const COUNT_BYTES = 8;

/** A counter. */
export const eventFd: FileKind<EventFd> = {
  kind: "eventfd",
  matches: ({ link }) => link === "anon_inode:[eventfd]",

  *capture(stub, file) {
    const count = BigInt(`0x${field(file.info, "eventfd-count")}`);
    return {
      kind: "eventfd",
      flags: file.flags & O_NONBLOCK,
      count,
      semaphore: yield* isSemaphore(stub, file, count),
    };
  },

  *open(stub, { flags, count, semaphore }) {
    const fd = yield* stub.call("eventfd2", 0, flags | (semaphore ? EFD_SEMAPHORE : 0));
    if (count > 0n) yield* add(stub, fd, count);
    return fd;
  },
};

/** A kernel that does not tell is tried: a semaphore gives one of several. The count is put back. */
function* isSemaphore(stub: Stub, { fd, info }: FoundFile, count: bigint): Program<boolean> {
  const told = info.get("eventfd-semaphore")?.[0];
  if (told !== undefined) return told === "1";
  const added = count < 2n ? 2n : 0n;
  if (added > 0n) yield* add(stub, fd, added);
  const semaphore = (yield* take(stub, fd)) === 1n;
  if (!semaphore && count > 0n) yield* add(stub, fd, count);
  if (semaphore && added > 0n) yield* take(stub, fd);
  if (semaphore && added === 0n) yield* add(stub, fd, 1n);
  return semaphore;
}

function* add(stub: Stub, fd: number, count: bigint): Program<void> {
  const value = new Uint8Array(BigUint64Array.of(count).buffer);
  yield* stub.call("write", fd, value, COUNT_BYTES);
}

function* take(stub: Stub, fd: number): Program<bigint> {
  yield* stub.call("read", fd, stub.out, COUNT_BYTES);
  return stub.view(COUNT_BYTES).getBigUint64(0, true);
}
