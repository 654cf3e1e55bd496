/**
 * Does in the rebooted system what is to be done with its files.
 *
 * References:
 * - [renameat(2)], [mkdirat(2)], [mknodat(2)], [symlinkat(2)], [linkat(2)], [unlinkat(2)]
 * - [fchownat(2)], [fchmodat(2)], [setxattr(2)], [utimensat(2)]
 *
 * What is new is made whole in a staging directory that only root can enter, and then takes its place under
 * its name, so that no program ever sees half of a file.
 */
import { SystemCallFailed } from "../guest/errno.js";
import { halves } from "../guest/files.js";
import type { Program } from "../guest/gate.js";
import { OUT_BYTES, type Stub } from "../guest/stub-session.js";
import type { Piece } from "./content.js";
import {
  deviceNumber,
  type Entry,
  isOf,
  isUntouched,
  parentOf,
  pathBytes,
  PERMISSIONS,
  showPath,
} from "./entry.js";
import { isTooNew, setOldTimes } from "./older-kernels.js";
import type { Step } from "./steps.js";
import { CannotCarryFiles, describe, lookAtPath, namesIn, OPEN } from "./tree.js";
import { type Tree, openIn, withFile, withTree } from "./tree.js";

/** Where files are made before they get their place. */
export const STAGING = "/.carry-over";

const AT_REMOVEDIR = 0x200;
const AT_SYMLINK_NOFOLLOW = 0x100;
const OPEN_DIRECTORY = OPEN.readOnly | OPEN.directory | OPEN.noFollow;
const WRITE_ONLY = 1;

/** Writes pieces of content to the files of their numbers in the staging directory. */
export function* stage(stub: Stub, pieces: readonly Piece[]): Program<void> {
  yield* withTree(stub, (tree) => withStaging(stub, tree, (fd) => write(stub, fd, pieces)));
}

function* write(stub: Stub, staging: number, pieces: readonly Piece[]): Program<void> {
  for (const { file, at, data } of pieces) {
    const fd = yield* openStaged(stub, staging, file, OPEN.readWrite);
    const written = yield* stub.attempt("pwrite64", fd, data, data.length, ...halves(at));
    yield* stub.call("close", fd);
    if (written !== data.length) {
      throw new CannotCarryFiles("there is no room for the files on the rebooted system's disk");
    }
  }
}

/** What is to be done, with the content that is not staged yet. */
export interface Application {
  readonly steps: readonly Step[];
  readonly pieces: readonly Piece[];
  /** The files as they were when it was decided what is to be done with them; null for none. */
  readonly expected: ReadonlyMap<string, Entry | null>;
}

/**
 * Does all steps, in their order.
 *
 * @returns the files as they are then, by the paths of the steps; null for what is not there
 * @throws {CannotCarryFiles} before anything is done, if a file is not as it was expected to be
 */
export function* apply(
  stub: Stub,
  { steps, pieces, expected }: Application,
): Program<Map<string, Entry | null>> {
  return yield* withTree(stub, function* (tree) {
    for (const step of steps) yield* check(stub, tree, step, expected.get(step.path));
    yield* withStaging(stub, tree, function* (staging) {
      yield* write(stub, staging, pieces);
      for (const step of steps) yield* perform(stub, tree, staging, step);
      for (const name of yield* namesIn(stub, staging)) {
        yield* stub.call("unlinkat", staging, pathBytes(name), 0);
      }
    });
    yield* stub.call("unlinkat", tree.root, pathBytes(STAGING.slice(1)), AT_REMOVEDIR);
    const after = new Map<string, Entry | null>();
    for (const step of steps) {
      if (step.do === "date") yield* setDate(stub, tree, step);
      after.set(step.path, yield* lookAtPath(stub, tree, step.path));
    }
    return after;
  });
}

/** A log may grow while it is appended to; what is replaced must not be anything that nobody has seen. */
function* check(
  stub: Stub,
  tree: Tree,
  { do: what, path }: Step,
  expected: Entry | null | undefined,
): Program<void> {
  if (what === "append" || what === "date" || expected === undefined) return;
  const now = yield* lookAtPath(stub, tree, path);
  if (!isUntouched(expected ?? undefined, now ?? undefined)) {
    throw new CannotCarryFiles(
      `${showPath(path)} has changed in the rebooted system while it was to be replaced; try again`,
    );
  }
}

function* withStaging<T>(
  stub: Stub,
  tree: Tree,
  work: (staging: number) => Program<T>,
): Program<T> {
  yield* stub.attempt("mkdirat", tree.root, pathBytes(STAGING.slice(1)), 0o700);
  return yield* withFile(stub, tree, STAGING, OPEN_DIRECTORY, work);
}

function* perform(stub: Stub, tree: Tree, staging: number, step: Step): Program<void> {
  switch (step.do) {
    case "remove":
      return yield* inParent(stub, tree, step.path, function* (parent, name) {
        yield* stub.call("unlinkat", parent, name, step.directory ? AT_REMOVEDIR : 0);
      });
    case "directory":
      yield* inParent(stub, tree, step.path, function* (parent, name) {
        yield* stub.attempt("mkdirat", parent, name, 0o700);
      });
      return yield* withFile(stub, tree, step.path, OPEN_DIRECTORY, (fd) =>
        setAttributes(stub, fd, ".", step.entry),
      );
    case "place": {
      const name = String(step.number);
      yield* make(stub, staging, step.number, step.entry);
      yield* setAttributes(stub, staging, name, step.entry);
      yield* setTimes(stub, staging, name, step.entry);
      return yield* moveIntoPlace(stub, tree, staging, step);
    }
    case "link": {
      const from = yield* openIn(stub, tree, parentOf(step.to), OPEN.path | OPEN.directory);
      const name = pathBytes(step.to.slice(step.to.lastIndexOf("/") + 1));
      yield* stub.call("linkat", from, name, staging, pathBytes(String(step.number)), 0);
      yield* stub.call("close", from);
      return yield* moveIntoPlace(stub, tree, staging, step);
    }
    case "append":
      return yield* append(stub, tree, staging, step);
    case "date":
      return;
  }
}

/** Makes a file in the staging directory; a regular one may have its content there already. */
function* make(stub: Stub, staging: number, number: number, entry: Entry): Program<void> {
  const name = pathBytes(String(number));
  if (isOf("regular", entry)) {
    const fd = yield* openStaged(stub, staging, number, OPEN.readWrite);
    yield* stub.call("ftruncate64", fd, ...halves(entry.size));
    yield* stub.call("close", fd);
  } else if (isOf("link", entry)) {
    yield* stub.call("symlinkat", pathBytes(entry.target ?? ""), staging, name);
  } else {
    yield* stub.call("mknodat", staging, name, entry.mode, deviceNumber(entry.device));
  }
}

function openStaged(stub: Stub, staging: number, number: number, flags: number): Program<number> {
  const open = flags | OPEN.create | OPEN.noFollow | OPEN.largeFile | OPEN.closeOnExec;
  return stub.call("openat", staging, pathBytes(String(number)), open, 0o600);
}

/** Owner first, since a change of it takes away rights that are set later. */
function* setAttributes(stub: Stub, directory: number, name: string, entry: Entry): Program<void> {
  const { uid, gid, mode } = entry;
  yield* stub.call("fchownat", directory, pathBytes(name), uid, gid, AT_SYMLINK_NOFOLLOW);
  if (!isOf("link", entry)) {
    yield* stub.call("fchmodat", directory, pathBytes(name), mode & PERMISSIONS);
  }
  const path = pathBytes(`/proc/self/fd/${directory}/${name}`);
  const wanted = entry.attributes ?? [];
  const there = (yield* describe(stub, directory, name, { ...entry, mode: 0 })).attributes ?? [];
  for (const each of there) {
    if (wanted.some((other) => other.name === each.name)) continue;
    yield* stub.call("lremovexattr", path, pathBytes(each.name));
  }
  for (const each of wanted) {
    yield* stub.call("lsetxattr", path, pathBytes(each.name), each.value, each.value.length, 0);
  }
}

function* setTimes(
  stub: Stub,
  directory: number,
  name: string,
  { accessedNs, changedNs }: Pick<Entry, "accessedNs" | "changedNs">,
): Program<void> {
  const times = new BigInt64Array(4);
  for (const [index, ns] of [accessedNs, changedNs].entries()) {
    const nanoseconds = ((ns % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n;
    times[2 * index] = (ns - nanoseconds) / 1_000_000_000n;
    times[2 * index + 1] = nanoseconds;
  }
  const bytes = new Uint8Array(times.buffer);
  const path = pathBytes(name);
  const args = [directory, path, bytes, AT_SYMLINK_NOFOLLOW] as const;
  const result = yield* stub.attempt("utimensat_time64", ...args);
  if (isTooNew(result)) {
    yield* setOldTimes(stub, directory, path, times, AT_SYMLINK_NOFOLLOW);
  } else if (result < 0) throw new SystemCallFailed(`utimensat("${showPath(name)}")`, -result);
}

function* setDate(stub: Stub, tree: Tree, step: Step & { readonly do: "date" }): Program<void> {
  yield* withFile(stub, tree, step.path, OPEN_DIRECTORY, (fd) => setTimes(stub, fd, ".", step));
}

function* moveIntoPlace(
  stub: Stub,
  tree: Tree,
  staging: number,
  { path, number }: { readonly path: string; readonly number: number },
): Program<void> {
  yield* inParent(stub, tree, path, (parent, name) =>
    stub.call("renameat", staging, pathBytes(String(number)), parent, name),
  );
}

function* append(
  stub: Stub,
  tree: Tree,
  staging: number,
  { path, number }: { readonly path: string; readonly number: number },
): Program<void> {
  const open = WRITE_ONLY | OPEN.append | OPEN.noFollow | OPEN.nonBlocking;
  const from = yield* openStaged(stub, staging, number, OPEN.readOnly);
  yield* withFile(stub, tree, path, open, function* (to) {
    for (;;) {
      const length = yield* stub.call("read", from, stub.out, OUT_BYTES);
      if (length === 0) break;
      const written = yield* stub.call("write", to, stub.out, length);
      if (written !== length)
        throw new CannotCarryFiles("there is no room for what a log has grown by");
    }
  });
  yield* stub.call("close", from);
}

function* inParent(
  stub: Stub,
  tree: Tree,
  path: string,
  work: (parent: number, name: Uint8Array) => Program<unknown>,
): Program<void> {
  const name = pathBytes(path.slice(path.lastIndexOf("/") + 1));
  yield* withFile(stub, tree, parentOf(path), OPEN.path | OPEN.directory, (fd) => work(fd, name));
}
