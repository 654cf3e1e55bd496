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
import type { CaptureContext, FoundFile } from "./files/file-kind.js";
import { captureFile, type FileImage } from "./files/kinds.js";
import type { ProcessImage } from "./image.js";

const O_CLOEXEC = 0o2000000;
const KCMP_FILE = 0;
const STAT64_BYTES = 96;

/** An open file that was met, to know it again by. */
interface MetFile {
  readonly pid: number;
  readonly number: number;
  readonly link: string;
}

/** The descriptors of each process, and what they refer to. */
export interface CapturedFiles {
  readonly files: readonly FileImage[];
  readonly descriptors: ReadonlyMap<number, ProcessImage["descriptors"]>;
}

/**
 * Reads the descriptors of stopped processes.
 *
 * @throws {CannotCarry} naming the process and the descriptor that cannot go on elsewhere
 */
export function* captureFiles(stub: Stub, pids: readonly number[]): Program<CapturedFiles> {
  const met: MetFile[] = [];
  const found: { file: FoundFile; fd: number }[] = [];
  const descriptors = new Map<number, ProcessImage["descriptors"]>();
  for (const pid of pids) {
    const pidfd = yield* stub.call("pidfd_open", pid, 0);
    const its: { number: number; file: number; closeOnExec: boolean }[] = [];
    for (const number of yield* listNumbers(stub, `/proc/${pid}/fd`)) {
      const link = yield* readLink(stub, `/proc/${pid}/fd/${number}`);
      const info = parseFields(yield* readText(stub, `/proc/${pid}/fdinfo/${number}`));
      const flags = parseInt(field(info, "flags"), 8);
      let file = yield* findSame(stub, met, { pid, number, link });
      if (file < 0) {
        const fd = yield* stub.call("pidfd_getfd", pidfd, number, 0);
        file = met.push({ pid, number, link }) - 1;
        const position = Number(field(info, "pos"));
        const about = { fd, link, flags: flags & ~O_CLOEXEC, position, info, pid, number };
        found.push({ fd, file: { ...about, ...(yield* fileStatus(stub, fd)) } });
      }
      its.push({ number, file, closeOnExec: (flags & O_CLOEXEC) !== 0 });
    }
    descriptors.set(pid, its);
    yield* stub.call("close", pidfd);
  }
  const context: CaptureContext = {
    pids: new Set(pids),
    files: found.map(({ file }) => file),
    shared: new Map(),
  };
  const files: FileImage[] = [];
  try {
    for (const { file } of found) files.push(yield* captureFile(stub, file, context));
  } finally {
    for (const { fd } of found) yield* stub.attempt("close", fd);
  }
  return { files, descriptors };
}

/** Index of the same open file among those that were met, or -1. */
function* findSame(stub: Stub, met: readonly MetFile[], its: MetFile): Program<number> {
  for (const [index, { pid, number, link }] of met.entries()) {
    if (link !== its.link) continue;
    const order = yield* stub.call("kcmp", pid, its.pid, KCMP_FILE, number, its.number);
    if (order === 0) return index;
  }
  return -1;
}

function* fileStatus(stub: Stub, fd: number) {
  yield* stub.call("fstat64", fd, stub.out);
  const view = stub.view(STAT64_BYTES);
  return {
    mode: view.getUint32(16, true),
    device: Number(view.getBigUint64(0, true)),
    inode: Number(view.getBigUint64(88, true)),
    uid: view.getUint32(24, true),
    gid: view.getUint32(28, true),
    specialDevice: Number(view.getBigUint64(32, true)),
    size: Number(view.getBigInt64(44, true)),
    changedNs: BigInt(view.getUint32(72, true)) * 1_000_000_000n + BigInt(view.getUint32(76, true)),
    links: view.getUint32(20, true),
  };
}
