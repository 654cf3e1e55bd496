/**
 * Files that change while the guest goes on, as its kernel reports them.
 *
 * References:
 * - [fanotify(7)], [fanotify_init(2)] FAN_REPORT_DFID_NAME, [fanotify_mark(2)] FAN_MARK_FILESYSTEM
 * - include/uapi/linux/fanotify.h of Linux: `struct fanotify_event_metadata`, `fanotify_event_info_fid`
 * - [open_by_handle_at(2)]
 *
 * The kernel reports all but what is written through a shared mapping. A file that is mapped so is looked at
 * in any case: the first write to a page after it was brought to the disk changes the file's times.
 */
import type { Program } from "../guest/gate.js";
import { OUT_BYTES, type Stub } from "../guest/stub-session.js";
import {
  type Entry,
  inDirectory,
  isOf,
  isUntouched,
  isWithin,
  type Manifest,
  parentOf,
  pathFromBytes,
  showPath,
} from "./entry.js";
import { mappedFiles, pathOf } from "./mapped-files.js";
import { CannotCarryFiles, lookAtPathOrMount, OPEN, type Tree, withTree } from "./tree.js";
import { type Walk, walk, walkInto } from "./walk.js";

/** Notes what changes. */
export interface Watch {
  /** Brings all files to the disk, and notes them. */
  begin(stub: Stub): Program<Walk>;
  /**
   * What has changed since it was noted last, with all that is to be known of it, and is noted now.
   *
   * @throws {CannotCarryFiles} if it lies where another file system was mounted since `begin`: it would look deleted. Where
   *   the kernel does not report what changes, any such mount counts
   */
  changes(stub: Stub): Program<Changes>;
}

/** Files that have changed. */
export interface Changes {
  /** As they are now; null for those that are gone. */
  readonly files: ReadonlyMap<string, Entry | null>;
  /** Files that programs can write to with nobody noticing. */
  readonly mapped: readonly string[];
}

// FAN_CLOEXEC, FAN_NONBLOCK, FAN_REPORT_DIR_FID, FAN_REPORT_NAME
const REPORT_NAMES = 0x1 | 0x2 | 0x400 | 0x800;
// FAN_MARK_ADD, FAN_MARK_FILESYSTEM
const MARK_FILE_SYSTEM = 0x1 | 0x100;
// FAN_MODIFY, ATTRIB, MOVED_FROM, MOVED_TO, CREATE, DELETE, ONDIR
const CHANGES = 0x2 | 0x4 | 0x40 | 0x80 | 0x100 | 0x200 | 0x40000000;
const AT_FDCWD = -100;
const FAN_Q_OVERFLOW = 0x4000;
const EVENT_BYTES = 24;
/** Type, length and file system stand before the handle of a directory. */
const INFO_BYTES = 12;
const FAN_EVENT_INFO_TYPE_DFID_NAME = 2;

/** A report of the kernel: a name in a directory; null if some were lost. */
interface Report {
  /** As the kernel wants it back: `struct file_handle`. */
  readonly directory: Uint8Array;
  readonly name: string;
}

/** Has the kernel report what changes from now on; where it cannot, everything is looked at in the end. */
export function* createWatch(stub: Stub): Program<Watch> {
  const fd = yield* stub.attempt("fanotify_init", REPORT_NAMES, 0);
  const marked =
    fd < 0
      ? fd
      : yield* stub.attempt("fanotify_mark", fd, MARK_FILE_SYSTEM, CHANGES, 0, AT_FDCWD, "/");
  const noted = new Map<string, Entry>();
  let mapped: readonly string[] = [];
  let mounts: readonly string[] = [];

  function* changes(stub: Stub): Program<Changes> {
    const reports = marked < 0 ? null : yield* readReports(stub, fd);
    const found = new Map<string, Entry | null>();
    yield* withTree(stub, function* (tree) {
      if (reports === null) yield* compareAll(stub, tree, { noted, mounts }, found);
      else {
        const paths = [...(yield* pathsOf(stub, tree, reports, noted)), ...mapped];
        yield* lookAgain(stub, tree, paths, { noted, mounts }, found);
      }
    });
    return { files: found, mapped };
  }

  return {
    *begin(stub) {
      yield* withTree(stub, ({ root }) => stub.call("syncfs", root));
      const all = yield* walk(stub);
      for (const [path, entry] of all.files) noted.set(path, entry);
      mounts = all.mounts;
      mapped = yield* mappedFiles(stub, noted);
      return all;
    },
    changes,
  };
}

/** What is known of a tree. */
interface Known {
  readonly noted: Map<string, Entry>;
  /** Where other file systems were mounted when it was noted first. */
  readonly mounts: readonly string[];
}

/** All reports that are waiting; null if the kernel had too many. */
function* readReports(stub: Stub, fd: number): Program<Report[] | null> {
  const reports: Report[] = [];
  for (;;) {
    const length = yield* stub.attempt("read", fd, stub.out, OUT_BYTES);
    if (length <= 0) return reports;
    const some = parseReports(stub.results(length));
    if (some === null) return null;
    reports.push(...some);
  }
}

/** Parses what the kernel reports; null if it says that it lost some, or if it is not as the manual says. */
export function parseReports(bytes: Uint8Array): Report[] | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const reports: Report[] = [];
  for (let at = 0; at < bytes.length;) {
    if (at + EVENT_BYTES > bytes.length) return null;
    const length = view.getUint32(at, true);
    const overflow = (view.getUint32(at + 8, true) & FAN_Q_OVERFLOW) !== 0;
    if (overflow || length < EVENT_BYTES + INFO_BYTES + 8 || at + length > bytes.length)
      return null;
    const info = at + EVENT_BYTES;
    const handle = info + INFO_BYTES;
    const name = handle + 8 + view.getUint32(handle, true);
    if (view.getUint8(info) !== FAN_EVENT_INFO_TYPE_DFID_NAME || name > at + length) return null;
    const text = bytes.subarray(name, at + length);
    const end = text.indexOf(0);
    reports.push({
      directory: bytes.slice(handle, name),
      name: pathFromBytes(end < 0 ? text : text.subarray(0, end)),
    });
    at += length;
  }
  return reports;
}

/** The paths that reports are about; a directory that is gone has none, and is reported itself. */
function* pathsOf(
  stub: Stub,
  { root }: Tree,
  reports: readonly Report[],
  noted: Manifest,
): Program<string[]> {
  const directories = new Map<string, string | null>();
  const paths = new Set<string>();
  for (const { directory, name } of reports) {
    const key = String(directory);
    let path = directories.get(key);
    if (path === undefined) {
      path = yield* pathOfHandle(stub, root, directory, noted);
      directories.set(key, path);
    }
    if (path !== null) paths.add(name === "." ? path : inDirectory(path, name));
  }
  return [...paths].sort();
}

function* pathOfHandle(
  stub: Stub,
  root: number,
  handle: Uint8Array,
  noted: Manifest,
): Program<string | null> {
  const open = OPEN.path | OPEN.directory | OPEN.closeOnExec;
  const fd = yield* stub.attempt("open_by_handle_at", root, handle, open);
  if (fd < 0) return null;
  const length = yield* stub.attempt("readlink", `/proc/self/fd/${fd}`, stub.out, OUT_BYTES);
  const path = length > 0 ? pathFromBytes(stub.results(length)) : "";
  yield* stub.call("close", fd);
  return path.startsWith("/") ? pathOf(path, noted) : null;
}

/** Looks at paths anew, at all names of their files, and at all that lies in directories that were not there. */
function* lookAgain(
  stub: Stub,
  tree: Tree,
  paths: readonly string[],
  known: Known,
  found: Map<string, Entry | null>,
): Program<void> {
  const { noted } = known;
  const waiting = [...paths];
  let related: Related | null = null;
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (found.has(path)) continue;
    const before = noted.get(path);
    const entry = yield* lookOnDisk(stub, tree, path, known);
    found.set(path, entry);
    if (entry === null) noted.delete(path);
    else noted.set(path, entry);
    const isSame = before?.inode === entry?.inode;
    if (isOf("directory", before) && !isSame) {
      related ??= relate(noted);
      for (const each of related.inside(path)) waiting.push(each);
    }
    if (entry !== null && isOf("directory", entry) && !isSame) {
      const inside = new Map<string, Entry>();
      yield* walkInto(stub, tree, path, inside);
      for (const each of inside.keys()) waiting.push(each);
    }
    for (const file of [before, entry]) {
      if (file === null || file === undefined || isOf("directory", file) || file.links < 2)
        continue;
      related ??= relate(noted);
      for (const name of related.takeNames(file.inode)) waiting.push(name);
    }
  }
}

/** Which files belong together, in the order in which they were noted. */
interface Related {
  /** All names of a file; none if they were asked for before. */
  takeNames(inode: number): readonly string[];
  /** All that lies in a directory, however deep. */
  inside(directory: string): string[];
}

/**
 * Goes through all files once. What is noted later is not in it, and need not be for `lookAgain`, which has found
 * that already.
 */
function relate(noted: Manifest): Related {
  const names = new Map<number, string[]>();
  const children = new Map<string, string[]>();
  const places = new Map<string, number>();
  for (const [path, { inode }] of noted) {
    places.set(path, places.size);
    add(names, inode, path);
    if (path !== "/") add(children, parentOf(path), path);
  }
  return {
    takeNames(inode) {
      const its = names.get(inode) ?? [];
      names.delete(inode);
      return its;
    },
    inside(directory) {
      const all = [...(children.get(directory) ?? [])];
      for (const path of all) for (const each of children.get(path) ?? []) all.push(each);
      const placeOf = (path: string): number => places.get(path) ?? 0;
      return all.sort((a, b) => placeOf(a) - placeOf(b));
    },
  };
}

function add<K>(lists: Map<K, string[]>, key: K, value: string): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [value]);
  else list.push(value);
}

/** Looks at everything. */
function* compareAll(
  stub: Stub,
  tree: Tree,
  known: Known,
  found: Map<string, Entry | null>,
): Program<void> {
  const { noted, mounts } = known;
  const now = new Map<string, Entry>();
  const since = (yield* walkInto(stub, tree, "/", now)).find((path) => !isHidden(path, mounts));
  if (since !== undefined) throw mountedSince(since);
  for (const path of new Set([...noted.keys(), ...now.keys()])) {
    const entry = now.get(path);
    if (isUntouched(noted.get(path), entry)) continue;
    if (entry === undefined) noted.delete(path);
    else noted.set(path, entry);
    found.set(path, entry === undefined ? null : yield* lookOnDisk(stub, tree, path, known));
  }
}

/** Looks at a file of the system disk, which may be gone; what was hidden from the beginning counts as gone. */
function* lookOnDisk(
  stub: Stub,
  tree: Tree,
  path: string,
  { mounts }: Known,
): Program<Entry | null> {
  const entry = yield* lookAtPathOrMount(stub, tree, path);
  if (entry !== "mounted") return entry;
  if (!isHidden(path, mounts)) throw mountedSince(path);
  return null;
}

function isHidden(path: string, mounts: readonly string[]): boolean {
  return mounts.some((mount) => isWithin(path, mount));
}

function mountedSince(path: string): CannotCarryFiles {
  return new CannotCarryFiles(
    `${showPath(path)} lies where another file system was mounted meanwhile; try again`,
  );
}
