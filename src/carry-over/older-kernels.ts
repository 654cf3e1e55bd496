/**
 * What the guest's kernel is asked where it is too old for the calls of today: [openat2(2)] came with Linux
 * 5.6, those with 64 bits of time on i386 with 5.1, [statx(2)] with 4.11.
 *
 * References:
 * - [open(2)] O_PATH, O_NOFOLLOW; [fstatat(2)]; arch/x86/include/uapi/asm/stat.h of Linux: `struct stat64`
 * - [clock_gettime(2)], [utimensat(2)]: `struct timespec` has two numbers of 32 bits
 */
import type { Program } from "../guest/gate.js";
import type { Stub } from "../guest/stub-session.js";
import type { Entry } from "./entry.js";

const EXDEV = 18;
const ENOSYS = 38;

/** Whether a kernel says that it does not have a call. */
export function isTooNew(result: number): boolean {
  return result === -ENOSYS;
}

/**
 * Opens a file name by name, so that the way to it leads over no symbolic link and onto no other file system.
 *
 * @param root descriptor of the directory that the path begins at
 * @param flags for the file itself, and for a directory on the way to it
 * @returns a descriptor, or an error as its negative number
 */
export function* openByNames(
  stub: Stub,
  root: number,
  path: string,
  flags: { readonly file: number; readonly directory: number },
): Program<number> {
  const home = yield* deviceOf(stub, root);
  const names = path.split("/").map((name) => Uint8Array.from(`${name}\0`, byteOf));
  let at = root;
  for (const [index, name] of names.entries()) {
    const isLast = index === names.length - 1;
    const fd = yield* stub.attempt("openat", at, name, isLast ? flags.file : flags.directory, 0);
    if (at !== root) yield* stub.attempt("close", at);
    if (fd < 0) return fd;
    if ((yield* deviceOf(stub, fd)) !== home) {
      yield* stub.attempt("close", fd);
      return -EXDEV;
    }
    at = fd;
  }
  return at;
}

const byteOf = (char: string): number => char.charCodeAt(0);

/** The number of the file system that an open file lies on. */
export function* deviceOf(stub: Stub, fd: number): Program<bigint> {
  yield* stub.call("fstat64", fd, stub.out);
  return stub.view(8).getBigUint64(0, true);
}

const STAT64_BYTES = 96;

/** A file as statx describes it; when it was born is not to be known. */
export interface OldEntry {
  readonly entry: Entry;
  /** The number of its file system. */
  readonly fileSystem: bigint;
}

/**
 * Looks at a file by its name in a directory.
 *
 * @param flags as of [fstatat(2)]
 * @returns an error as its negative number if it cannot be looked at
 */
export function* statByName(
  stub: Stub,
  directory: number,
  name: Uint8Array,
  flags: number,
): Program<OldEntry | number> {
  const result = yield* stub.attempt("fstatat64", directory, name, stub.out, flags);
  if (result < 0) return result;
  const view = stub.view(STAT64_BYTES);
  const word = (at: number): number => view.getUint32(at, true);
  const time = (at: number): bigint =>
    BigInt(view.getInt32(at, true)) * 1_000_000_000n + BigInt(word(at + 4));
  const device = word(32);
  return {
    fileSystem: view.getBigUint64(0, true),
    entry: {
      mode: word(16),
      links: word(20),
      uid: word(24),
      gid: word(28),
      size: Number(view.getBigInt64(44, true)),
      inode: Number(view.getBigUint64(88, true)),
      device: [(device >>> 8) & 0xfff, (device & 0xff) | ((device >>> 12) & 0xfff00)],
      accessedNs: time(64),
      changedNs: time(72),
      statusNs: time(80),
      bornNs: 0n,
      attributes: null,
      target: null,
    },
  };
}

/** What the guest's clock of the time of day shows, in ns since 1970. */
export function* oldClock(stub: Stub, clock: number): Program<bigint> {
  yield* stub.call("clock_gettime", clock, stub.out);
  const view = stub.view(8);
  return BigInt(view.getInt32(0, true)) * 1_000_000_000n + BigInt(view.getUint32(4, true));
}

/**
 * Sets a file's times; such a kernel has none after 2038.
 *
 * @param times seconds and nanoseconds, of the access and of the change
 */
export function* setOldTimes(
  stub: Stub,
  directory: number,
  name: Uint8Array,
  times: BigInt64Array,
  flags: number,
): Program<void> {
  const words = Int32Array.from(times, (each) => Number(BigInt.asIntN(32, each)));
  yield* stub.call("utimensat", directory, name, new Uint8Array(words.buffer), flags);
}
