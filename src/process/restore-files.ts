/**
 * Open files of an image: opened by the stub that leads, taken by the processes.
 *
 * References:
 * - [pidfd_getfd(2)], [dup(2)], [fcntl(2)] F_DUPFD_CLOEXEC, [close_range(2)], [getrlimit(2)] RLIMIT_NOFILE
 */
import type { Program } from "../guest/gate.js";
import type { Stub } from "../guest/stub-session.js";
import { takeLock } from "./file-locks.js";
import { setOwner } from "./file-owner.js";
import type { RestoreContext, SettleContext } from "./files/file-kind.js";
import { type FileImage, finishFile, needsProcesses, openFile, settleFile } from "./files/kinds.js";
import type { ProcessImage, TreeImage } from "./image.js";

/** Files that are open in the stub that leads. */
export interface OpenFiles {
  /** Process id of that stub. */
  readonly opener: number;
  /** Its descriptor of each file of the image; -1 until it is opened. */
  readonly descriptors: number[];
  /** What kind of file each is. */
  readonly kinds: readonly FileImage["kind"][];
}

const O_CLOEXEC = 0o2000000;
const F_SETFD = 2;
const F_DUPFD_CLOEXEC = 1030;
const RLIMIT_NOFILE = 7;
/** The kernel's own limit, unless it was changed. */
const MOST_DESCRIPTORS = 1024n * 1024n;
/** Of the stub that leads: what it was started with. */
const FIRST_OPENED = 3;

const NOT_OPEN = -1;

/** Lets a stub have more descriptors than a process usually can. */
export function* raiseFileLimit(stub: Stub): Program<void> {
  const limit = new Uint8Array(BigUint64Array.of(MOST_DESCRIPTORS, MOST_DESCRIPTORS).buffer);
  yield* stub.call("prlimit64", 0, RLIMIT_NOFILE, limit, 0);
}

/** Opens the files of an image, but for those that need processes, in the stub that leads. */
export function* openFiles(
  stub: Stub,
  files: readonly FileImage[],
  context: RestoreContext,
): Program<OpenFiles> {
  yield* raiseFileLimit(stub);
  const descriptors = files.map(() => NOT_OPEN);
  for (const [index, file] of files.entries()) {
    if (!needsProcesses(file)) descriptors[index] = yield* openFile(stub, file, context);
  }
  for (const [index, file] of files.entries()) {
    if (!needsProcesses(file)) {
      yield* finishFile(stub, file, descriptors[index] ?? NOT_OPEN, context);
    }
  }
  const kinds = files.map(({ kind }) => kind);
  return { opener: yield* stub.call("getpid"), descriptors, kinds };
}

/** Opens the files that need processes, which are there now. */
export function* openProcessFiles(
  stub: Stub,
  files: readonly FileImage[],
  { descriptors }: OpenFiles,
): Program<void> {
  const context = { shared: new Map<string, unknown>() };
  for (const [index, file] of files.entries()) {
    if (needsProcesses(file)) descriptors[index] = yield* openFile(stub, file, context);
  }
}

/** Closes all that the stub which leads has opened: the processes have it, and are now the only ones. */
export function* closeFiles(stub: Stub): Program<void> {
  yield* stub.call("close_range", FIRST_OPENED, -1, 0);
}

/** Gives a process its descriptors. */
export function* restoreDescriptors(
  stub: Stub,
  process: ProcessImage,
  image: TreeImage,
  { opener, descriptors }: OpenFiles,
): Program<void> {
  yield* raiseFileLimit(stub);
  yield* stub.call("close_range", 0, -1, 0);
  const high = firstHigh(process, image.files);
  const low = yield* stub.call("pidfd_open", opener, 0);
  const pidfd = yield* moveUp(low);

  function* moveUp(fd: number): Program<number> {
    const moved = yield* stub.call("fcntl64", fd, F_DUPFD_CLOEXEC, high);
    yield* stub.call("close", fd);
    return moved;
  }
  function* get(file: number): Program<number> {
    const source = descriptors[file];
    if (source === undefined) throw new RangeError(`the image has no file ${file}`);
    return yield* stub.call("pidfd_getfd", pidfd, source, 0);
  }
  function* take(file: number): Program<number> {
    return yield* moveUp(yield* get(file));
  }

  yield* settleFiles(stub, process, image, { take });
  for (const { number, file, closeOnExec } of process.descriptors) {
    // The lowest free number: never above the one wanted, since those below it are taken or unused.
    const fd = yield* get(file);
    if (fd === number) {
      yield* stub.call("fcntl64", fd, F_SETFD, closeOnExec ? 1 : 0);
    } else {
      yield* stub.call("dup3", fd, number, closeOnExec ? O_CLOEXEC : 0);
      yield* stub.call("close", fd);
    }
  }
  yield* stub.call("close", pidfd);
}

/** Locks and owners of a process's files: when it has closed the last file that it does not keep, and all threads are there. */
export function* restoreLocks(stub: Stub, { descriptors }: ProcessImage): Program<void> {
  for (const { number, locks, owner } of descriptors) {
    for (const lock of locks) yield* takeLock(stub, number, lock);
    if (owner !== null) yield* setOwner(stub, number, owner);
  }
}

/** A number above all that the process has and its files ask for. */
function firstHigh({ descriptors }: ProcessImage, files: readonly FileImage[]): number {
  let high = descriptors.length;
  for (const { number } of descriptors) high = Math.max(high, number + 1);
  for (const file of files) {
    if (file.kind !== "epoll") continue;
    for (const { number } of file.watches) high = Math.max(high, number + 1);
  }
  return high;
}

/** Settles the files that the process has before all others, and the first one those that no process has. */
function* settleFiles(
  stub: Stub,
  process: ProcessImage,
  { files, processes }: TreeImage,
  context: SettleContext,
): Program<void> {
  for (const [index, file] of files.entries()) {
    const holder = processes.find(({ descriptors }) =>
      descriptors.some((descriptor) => descriptor.file === index),
    );
    if ((holder ?? processes[0]) !== process) continue;
    yield* settleFile(stub, file, index, context);
  }
}
