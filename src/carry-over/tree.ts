/**
 * Files of a guest by their paths, reached without ever following a symbolic link or leaving the file
 * system that the tree begins on.
 *
 * References:
 * - [openat2(2)] RESOLVE_BENEATH, RESOLVE_NO_SYMLINKS, RESOLVE_NO_XDEV; [open(2)] O_PATH
 * - [statx(2)], include/uapi/linux/stat.h of Linux: `struct statx`, STATX_ATTR_MOUNT_ROOT
 * - [listxattr(2)], [getxattr(2)], [readlinkat(2)], [getdents(2)]
 */
import { SystemCallFailed } from "../guest/errno.js";
import type { Program } from "../guest/gate.js";
import { OUT_BYTES, type Stub } from "../guest/stub-session.js";
import { type Attribute, deviceNumber, type Entry, isOf, parentOf } from "./entry.js";
import { pathBytes, pathFromBytes, showPath } from "./entry.js";
import { deviceOf, isTooNew, openByNames, statByName } from "./older-kernels.js";

/** Files cannot be carried from one system to another. */
export class CannotCarryFiles extends Error {
  override readonly name = "CannotCarryFiles";
}

/** The root of the guest's system disk, open in a stub. */
export interface Tree {
  /** Descriptor of the root directory. */
  readonly root: number;
}

/** Flags of [open(2)] on i386. */
export const OPEN = {
  readOnly: 0,
  readWrite: 2,
  create: 0o100,
  exclusive: 0o200,
  append: 0o2000,
  nonBlocking: 0o4000,
  largeFile: 0o100000,
  directory: 0o200000,
  noFollow: 0o400000,
  noAccessTime: 0o1000000,
  closeOnExec: 0o2000000,
  path: 0o10000000,
} as const;

/** Of [openat(2)] and its kin: the file is the descriptor itself. */
export const AT_EMPTY_PATH = 0x1000;
const AT_SYMLINK_NOFOLLOW = 0x100;
const AT_NO_AUTOMOUNT = 0x800;
// RESOLVE_NO_XDEV, RESOLVE_NO_MAGICLINKS, RESOLVE_NO_SYMLINKS, RESOLVE_BENEATH
const WITHIN_THE_TREE = 0x01 | 0x02 | 0x04 | 0x08;
// STATX_BASIC_STATS, STATX_BTIME
const STATX_ALL = 0x7ff | 0x800;
const STATX_BYTES = 256;
const STATX_ATTR_MOUNT_ROOT = 0x2000;

/** More files than this are not carried; the guest is not trusted to have an end. */
export const MOST_FILES = 1_000_000;

/** The most that is read of one list or value of attributes; the kernel has no more. */
const MOST_ATTRIBUTE_BYTES = OUT_BYTES;

/** Opens the tree, does some work, and closes it. */
export function* withTree<T>(stub: Stub, work: (tree: Tree) => Program<T>): Program<T> {
  const { readOnly, directory, closeOnExec } = OPEN;
  const root = yield* stub.call("open", "/", readOnly | directory | closeOnExec);
  try {
    return yield* work({ root });
  } finally {
    yield* stub.attempt("close", root);
  }
}

/**
 * Opens a file of the tree.
 *
 * @throws {SystemCallFailed} with ELOOP or EXDEV if the way to it leads over a symbolic link or out of the tree
 */
export function* openIn(stub: Stub, { root }: Tree, path: string, flags: number): Program<number> {
  const isPathOnly = (flags & OPEN.path) !== 0;
  const wanted = flags | OPEN.closeOnExec | (isPathOnly ? 0 : OPEN.largeFile);
  const how = new DataView(new ArrayBuffer(24));
  how.setUint32(0, wanted, true);
  how.setUint32(16, WITHIN_THE_TREE, true);
  const name = path === "/" ? "." : path.slice(1);
  let result = yield* stub.attempt(
    "openat2",
    root,
    pathBytes(name),
    new Uint8Array(how.buffer),
    how.byteLength,
  );
  if (isTooNew(result)) {
    const { path: pathOnly, directory, noFollow, closeOnExec } = OPEN;
    result = yield* openByNames(stub, root, name, {
      file: wanted | noFollow,
      directory: pathOnly | directory | noFollow | closeOnExec,
    });
  }
  if (result < 0) throw new SystemCallFailed(`openat2("${showPath(path)}")`, -result);
  return result;
}

/** Opens a file of the tree, does some work, and closes it. */
export function* withFile<T>(
  stub: Stub,
  tree: Tree,
  path: string,
  flags: number,
  work: (fd: number) => Program<T>,
): Program<T> {
  const fd = yield* openIn(stub, tree, path, flags);
  try {
    return yield* work(fd);
  } finally {
    yield* stub.attempt("close", fd);
  }
}

/** Whether a failure says that a file is not there. */
export function isMissing(error: unknown): boolean {
  return error instanceof SystemCallFailed && error.is("ENOENT", "ENOTDIR");
}

/**
 * Looks at a file by its name in a directory, or at the directory itself for the name "".
 *
 * @returns null if there is none, `"mounted"` if it is the root of another file system
 */
export function* lookAt(
  stub: Stub,
  directory: number,
  name: string,
): Program<Entry | "mounted" | null> {
  const flags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | (name === "" ? AT_EMPTY_PATH : 0);
  const result = yield* stub.attempt(
    "statx",
    directory,
    pathBytes(name),
    flags,
    STATX_ALL,
    stub.out,
  );
  if (isTooNew(result)) return yield* lookAtOld(stub, directory, name, flags);
  if (result < 0) {
    const error = new SystemCallFailed(`statx("${showPath(name)}")`, -result);
    if (isMissing(error)) return null;
    throw error;
  }
  const view = stub.view(STATX_BYTES);
  if (name !== "" && (yield* isMountRoot(stub, directory, view))) return "mounted";
  return entryOf(view);
}

/** Linux tells since 5.8 where a file system is mounted; before, it shows only where that is another one. */
function* isMountRoot(stub: Stub, directory: number, view: DataView): Program<boolean> {
  const isTold = (view.getUint32(56, true) & STATX_ATTR_MOUNT_ROOT) !== 0;
  if (isTold) return (view.getUint32(8, true) & STATX_ATTR_MOUNT_ROOT) !== 0;
  const [major, minor] = [view.getUint32(136, true), view.getUint32(140, true)];
  return (yield* deviceOf(stub, directory)) !== BigInt(deviceNumber([major, minor]) >>> 0);
}

/** The same as `lookAt`, for a kernel without statx. */
function* lookAtOld(
  stub: Stub,
  directory: number,
  name: string,
  flags: number,
): Program<Entry | "mounted" | null> {
  const found = yield* statByName(stub, directory, pathBytes(name), flags);
  if (typeof found === "number") {
    const error = new SystemCallFailed(`fstatat64("${showPath(name)}")`, -found);
    if (isMissing(error)) return null;
    throw error;
  }
  const isMounted = name !== "" && (yield* deviceOf(stub, directory)) !== found.fileSystem;
  return isMounted ? "mounted" : found.entry;
}

function entryOf(view: DataView): Entry {
  const word = (at: number): number => view.getUint32(at, true);
  const long = (at: number): number => Number(view.getBigUint64(at, true));
  const time = (at: number): bigint =>
    view.getBigInt64(at, true) * 1_000_000_000n + BigInt(word(at + 8));
  return {
    mode: view.getUint16(28, true),
    uid: word(20),
    gid: word(24),
    size: long(40),
    links: word(16),
    inode: long(32),
    device: [word(128), word(132)],
    accessedNs: time(64),
    changedNs: time(112),
    statusNs: time(96),
    bornNs: time(80),
    attributes: null,
    target: null,
  };
}

/** Adds to an entry what takes further looks: attributes, and where a symbolic link points. */
export function* describe(
  stub: Stub,
  directory: number,
  name: string,
  entry: Entry,
): Program<Entry> {
  const attributes = yield* readAttributes(stub, directory, name);
  if (!isOf("link", entry)) return { ...entry, attributes };
  const length = yield* stub.call("readlinkat", directory, pathBytes(name), stub.out, OUT_BYTES);
  return { ...entry, attributes, target: pathFromBytes(stub.results(length)) };
}

function* readAttributes(stub: Stub, directory: number, name: string): Program<Attribute[]> {
  // There is no call that takes a directory and a name, and does not follow a link.
  const path = pathBytes(`/proc/self/fd/${directory}/${name === "" ? "." : name}`);
  const listed = yield* stub.attempt("llistxattr", path, stub.out, MOST_ATTRIBUTE_BYTES);
  if (listed <= 0) return [];
  const names = pathFromBytes(stub.results(listed)).split("\0").slice(0, -1).sort();
  const attributes: Attribute[] = [];
  for (const each of names) {
    const length = yield* stub.attempt(
      "lgetxattr",
      path,
      pathBytes(each),
      stub.out,
      MOST_ATTRIBUTE_BYTES,
    );
    if (length >= 0) attributes.push({ name: each, value: stub.results(length) });
  }
  return attributes;
}

/** Looks at a file by its path, with all that is to be known of it; null if there is none on the system disk. */
export function* lookAtPath(stub: Stub, tree: Tree, path: string): Program<Entry | null> {
  const found = yield* lookAtPathOrMount(stub, tree, path);
  return found === "mounted" ? null : found;
}

/** The same; `"mounted"` if another file system is mounted there or above, and hides what the system disk has. */
export function* lookAtPathOrMount(
  stub: Stub,
  tree: Tree,
  path: string,
): Program<Entry | "mounted" | null> {
  const { directory, path: pathOnly } = OPEN;
  const name = path === "/" ? "" : path.slice(path.lastIndexOf("/") + 1);
  try {
    return yield* withFile(stub, tree, parentOf(path), directory | pathOnly, function* (fd) {
      const entry = yield* lookAt(stub, fd, name);
      return entry === null || entry === "mounted" ? entry : yield* describe(stub, fd, name, entry);
    });
  } catch (error) {
    if (isMissing(error) || (error instanceof SystemCallFailed && error.is("ELOOP"))) return null;
    if (error instanceof SystemCallFailed && error.is("EXDEV")) return "mounted";
    throw error;
  }
}

/**
 * Names in an open directory, but for `.` and `..`, ordered.
 *
 * @throws {CannotCarryFiles} if there are more than MOST_FILES
 */
export function* namesIn(stub: Stub, fd: number): Program<string[]> {
  const names: string[] = [];
  for (;;) {
    const length = yield* stub.call("getdents64", fd, stub.out, OUT_BYTES);
    if (length === 0) break;
    names.push(...namesOf(stub.results(length)));
    if (names.length > MOST_FILES) {
      throw new CannotCarryFiles(
        `there are more than ${MOST_FILES} files in one directory; they are not carried`,
      );
    }
  }
  return names.filter((name) => name !== "." && name !== "..").sort();
}

/** Names in entries of a directory; see [getdents(2)], `struct linux_dirent64`. */
function namesOf(entries: Uint8Array): string[] {
  const view = new DataView(entries.buffer, entries.byteOffset, entries.length);
  const names: string[] = [];
  for (let at = 0; at + 19 <= entries.length;) {
    const length = Math.max(19, view.getUint16(at + 16, true));
    const name = entries.subarray(at + 19, at + length);
    names.push(pathFromBytes(name.subarray(0, name.indexOf(0))));
    at += length;
  }
  return names;
}
