/** All files of a tree, noted one after the other while the guest goes on. */
import { SystemCallFailed } from "../guest/errno.js";
import type { Program } from "../guest/gate.js";
import { sleep } from "../guest/sleep.js";
import type { Stub } from "../guest/stub-session.js";
import { type Entry, inDirectory, isOf, type Manifest, showPath } from "./entry.js";
import { isTooNew, oldClock } from "./older-kernels.js";
import { CannotCarryFiles, describe, isMissing, lookAt, MOST_FILES, namesIn } from "./tree.js";
import { OPEN, type Tree, withFile, withTree } from "./tree.js";

/** A manifest, and when it was finished by the guest's clock. */
export interface Walk {
  readonly files: Manifest;
  /** Where other file systems are mounted. */
  readonly mounts: readonly string[];
  /** In ns since 1970. */
  readonly atNs: bigint;
}

const CLOCK_REALTIME = 0;

/**
 * After so many names, and for so long, in ns, a walk lets other programs run, the kernel's own included: init may
 * have put the stub into a control group that comes long before them (finit gives its services 98 times the
 * weight), and a walk of some thousand files would keep a terminal's input waiting for all of its time.
 */
const REST = { everyNames: 50, ns: 1_000_000 };

/**
 * Notes all files of the system disk. What changes meanwhile is noted as before or
 * as after the change. Other file systems that are mounted in it are left out.
 *
 * @throws {CannotCarryFiles} if there are more than MOST_FILES
 */
export function* walk(stub: Stub): Program<Walk> {
  return yield* withTree(stub, function* (tree) {
    const files = new Map<string, Entry>();
    let looked = 0;
    const mounts = yield* walkInto(stub, tree, "/", files, function* () {
      if (++looked % REST.everyNames === 0) yield* sleep(stub, REST.ns);
    });
    return { files, mounts, atNs: yield* timeOfDay(stub) };
  });
}

/** In ns since 1970. */
function* timeOfDay(stub: Stub): Program<bigint> {
  const result = yield* stub.attempt("clock_gettime64", CLOCK_REALTIME, stub.out);
  if (isTooNew(result)) return yield* oldClock(stub, CLOCK_REALTIME);
  const clock = stub.view(16);
  return clock.getBigInt64(0, true) * 1_000_000_000n + BigInt(clock.getUint32(8, true));
}

/**
 * Notes a directory of the tree and all that is in it; nothing if it is not there any more.
 *
 * @param afterEach done after each name
 * @returns where other file systems are mounted in it
 */
export function* walkInto(
  stub: Stub,
  tree: Tree,
  from: string,
  files: Map<string, Entry>,
  afterEach?: () => Program<void>,
): Program<string[]> {
  const open = OPEN.readOnly | OPEN.directory | OPEN.noFollow | OPEN.noAccessTime;
  const waiting = [from];
  const mounts: string[] = [];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    const directory = path;
    try {
      const inside = yield* withFile(stub, tree, directory, open, (fd) =>
        noteAll(stub, fd, directory, files, mounts, afterEach),
      );
      for (const each of inside.reverse()) waiting.push(each);
    } catch (error) {
      // It was removed, or replaced, or something was mounted on it, after its name was read.
      if (isMissing(error)) continue;
      if (!(error instanceof SystemCallFailed && error.is("ELOOP", "EXDEV"))) throw error;
      if (error.is("EXDEV")) mounts.push(directory);
    }
  }
  return mounts;
}

/** Notes an open directory and what is in it; returns the directories there. */
function* noteAll(
  stub: Stub,
  fd: number,
  path: string,
  files: Map<string, Entry>,
  mounts: string[],
  afterEach?: () => Program<void>,
): Program<string[]> {
  const itself = yield* lookAt(stub, fd, "");
  if (itself === null || itself === "mounted") return [];
  files.set(path, yield* describe(stub, fd, "", itself));
  const directories: string[] = [];
  for (const name of yield* namesIn(stub, fd)) {
    const at = inDirectory(path, name);
    const entry = yield* lookAt(stub, fd, name);
    if (entry === null) continue;
    if (entry === "mounted") mounts.push(at);
    else if (isOf("directory", entry)) directories.push(at);
    else files.set(at, entry);
    if (afterEach !== undefined) yield* afterEach();
    if (files.size > MOST_FILES) {
      throw new CannotCarryFiles(
        `there are more than ${MOST_FILES} files, the last one ${showPath(at)}; they are not carried`,
      );
    }
  }
  return directories;
}
