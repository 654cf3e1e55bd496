/**
 * Descriptors of stopped processes, and the open files behind them.
 *
 * References:
 * - [pidfd_getfd(2)], [kcmp(2)], [fstat(2)]
 */
import { listNumbers, readLink, readText } from "../guest/files.js";
import type { Program } from "../guest/gate.js";
import { field, parseFields } from "../guest/procfs.js";
import type { Stub } from "../guest/stub-session.js";
import { parseLocks } from "./file-locks.js";
import { readOwner } from "./file-owner.js";
import { type FoundFile, type Holder, nameOf } from "./files/file-kind.js";
import { fileStatus } from "./files/file-name.js";
import { captureFile, type FileImage } from "./files/kinds.js";
import type { ProcessImage } from "./image.js";
import { findMappedFiles, type ProcessMaps } from "./mapped-files.js";
import { raiseFileLimit } from "./restore-files.js";

type Descriptor = ProcessImage["descriptors"][number];

const O_CLOEXEC = 0o2000000;
/** Asynchronous signals are the owner's: see `readOwner`. */
const O_CLOEXEC_ASYNC = 0o2020000;
const KCMP_FILE = 0;

/** The descriptors of each process, and what they refer to. */
export interface CapturedFiles {
  readonly files: readonly FileImage[];
  readonly descriptors: ReadonlyMap<number, ProcessImage["descriptors"]>;
  /** Files without a name that are mapped: index of each, by `mappedIdentity`. */
  readonly mapped: ReadonlyMap<string, number>;
}

/**
 * Reads the descriptors of stopped processes, and the files without a name that they have mapped.
 *
 * @throws {CannotCarry} naming the process and the descriptor that cannot go on elsewhere
 */
export function* captureFiles(stub: Stub, maps: ProcessMaps): Program<CapturedFiles> {
  const pids = [...maps.keys()];
  const found: FoundFile[] = [];
  yield* raiseFileLimit(stub);
  try {
    const descriptors = new Map<number, Descriptor[]>();
    for (const pid of pids) descriptors.set(pid, yield* findDescriptors(stub, pid, found));
    const holders = [...descriptors].flatMap(([pid, its]) =>
      its.map(({ number, file }): Holder => ({ pid, number, file })),
    );
    const mapped = yield* findMappedFiles(stub, maps, found);
    const context = {
      pids: new Set(pids),
      holders,
      files: found,
      shared: new Map<string, unknown>(),
    };
    const files: FileImage[] = [];
    for (const [index, file] of found.entries()) {
      files.push(yield* captureFile(stub, file, context));
      const owner = yield* readOwner(stub, file, context.pids);
      for (const each of [...descriptors.values()].flat()) {
        if (each.file === index) each.owner = owner;
      }
    }
    return { files, descriptors, mapped };
  } finally {
    for (const { fd } of found) yield* stub.attempt("close", fd);
  }
}

/** The descriptors of a process; open files that are new are added to those that were found, and stay open in the stub. */
function* findDescriptors(stub: Stub, pid: number, found: FoundFile[]): Program<Descriptor[]> {
  const pidfd = yield* stub.call("pidfd_open", pid, 0);
  try {
    const descriptors: Descriptor[] = [];
    for (const number of yield* listNumbers(stub, `/proc/${pid}/fd`)) {
      const seen = yield* lookAt(stub, { pid, number });
      const { link, info } = seen;
      const flags = parseInt(field(info, "flags"), 8);
      let file = yield* findSame(stub, found, seen);
      if (file < 0) file = found.push(yield* takeFound(stub, pidfd, seen)) - 1;
      const locks = parseLocks(info.get("lock") ?? [], nameOf({ link, pid, number }));
      const closeOnExec = (flags & O_CLOEXEC) !== 0;
      descriptors.push({ number, file, closeOnExec, locks, owner: null });
    }
    return descriptors;
  } finally {
    yield* stub.attempt("close", pidfd);
  }
}

/** What `/proc` shows of a descriptor. */
type SeenFile = Pick<FoundFile, "pid" | "number" | "link" | "info">;

function* lookAt(
  stub: Stub,
  { pid, number }: Pick<FoundFile, "pid" | "number">,
): Program<SeenFile> {
  const link = yield* readLink(stub, `/proc/${pid}/fd/${number}`);
  const info = parseFields(yield* readText(stub, `/proc/${pid}/fdinfo/${number}`));
  return { pid, number, link, info };
}

/** Takes a descriptor of a process, which may run, into the stub, and tells what it refers to. */
export function* openFound(
  stub: Stub,
  pidfd: number,
  descriptor: Pick<FoundFile, "pid" | "number">,
): Program<FoundFile> {
  return yield* takeFound(stub, pidfd, yield* lookAt(stub, descriptor));
}

function* takeFound(stub: Stub, pidfd: number, seen: SeenFile): Program<FoundFile> {
  const { number, info } = seen;
  const flags = parseInt(field(info, "flags"), 8) & ~O_CLOEXEC_ASYNC;
  const position = Number(field(info, "pos"));
  const fd = yield* stub.call("pidfd_getfd", pidfd, number, 0);
  return { ...seen, fd, flags, position, ...(yield* fileStatus(stub, fd)) };
}

/** Index of the same open file among those that were found, or -1. */
function* findSame(stub: Stub, found: readonly FoundFile[], its: SeenFile): Program<number> {
  for (const [index, { pid, number, link }] of found.entries()) {
    if (link !== its.link) continue;
    const order = yield* stub.call("kcmp", pid, its.pid, KCMP_FILE, number, its.number);
    if (order === 0) return index;
  }
  return -1;
}
