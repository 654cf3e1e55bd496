import type { Program } from "../guest/gate.js";
import { type MapsLine, parseMaps, parseStat } from "../guest/procfs.js";
import { readText } from "../guest/files.js";
import type { Stub } from "../guest/stub-session.js";
import type { GuestAccess } from "../machine/resident.js";
import { captureFiles } from "./capture-files.js";
import { expectRoom, isContent } from "./capture-memory.js";
import { captureProcess, type ChoosePages } from "./capture-process.js";
import { captureClocks } from "./clocks.js";
import { CannotCarry } from "./files/file-kind.js";
import type { FrozenTree } from "./freeze.js";
import type { EndedProcess, ProcessImage, TreeImage } from "./image.js";
import { createRseqReader } from "./rseq.js";
import { captureShmFiles } from "./shm-files.js";
import { captureSystemV } from "./system-v.js";

/** Field of `/proc/PID/stat`. */
const EXIT_CODE = 52;
/** Of [kcmp(2)]. */
const KCMP_VM = 1;

/**
 * Reads all that frozen processes are, and leaves them as they were.
 *
 * @param choosePages which pages of the processes it reads
 * @throws {CannotCarry} naming what cannot go on elsewhere
 */
export function* capture(
  stub: Stub,
  access: GuestAccess,
  frozen: FrozenTree,
  choosePages: ChoosePages = allPages,
): Program<TreeImage> {
  const pids = frozen.processes.map(({ summary }) => summary.pid);
  const maps = new Map<number, MapsLine[]>();
  for (const pid of pids) maps.set(pid, parseMaps(yield* readText(stub, `/proc/${pid}/maps`)));
  const { files, descriptors, mapped } = yield* captureFiles(stub, maps);
  const options = { choosePages, readRseq: createRseqReader() };
  const processes: ProcessImage[] = [];
  for (const process of frozen.processes) {
    const { pid, parent } = process.summary;
    const knownParent = pids.includes(parent) ? parent : null;
    if (knownParent !== null) yield* expectOwnMemory(stub, pid, knownParent);
    const memory = { maps: maps.get(pid) ?? [], mapped };
    const image = yield* captureProcess(stub, access, process, memory, knownParent, options);
    processes.push({ ...image, descriptors: descriptors.get(pid) ?? [] });
    expectRoom(access, processes);
  }
  const paths = [
    ...files.flatMap((file) => (file.kind === "path" ? [file.path] : [])),
    ...processes.flatMap(({ mappings }) => mappings.map(({ file }) => file?.path ?? "")),
  ];
  return {
    kernel: (yield* readText(stub, "/proc/sys/kernel/osrelease")).trim(),
    clocks: yield* captureClocks(stub, access, pids[0] ?? 1),
    files: [...files],
    shmFiles: yield* captureShmFiles(stub, paths),
    systemV: yield* captureSystemV(stub, processes),
    processes,
    ended: yield* captureEnded(stub, frozen),
  };
}

/** @throws {CannotCarry} if a process and its parent have one memory, as between `vfork` and `execve` */
function* expectOwnMemory(stub: Stub, pid: number, parent: number): Program<void> {
  if ((yield* stub.call("kcmp", parent, pid, KCMP_VM, 0, 0)) === 0) {
    throw new CannotCarry(`process ${pid} shares its memory with its parent, process ${parent}`);
  }
}

/** All pages that the processes have filled. */
const allPages: ChoosePages = () => (_, page, mapping) => isContent(page, mapping);

/** What is left of the processes that have ended, of which the parent is frozen too. */
function* captureEnded(stub: Stub, { processes, ended }: FrozenTree): Program<EndedProcess[]> {
  const images: EndedProcess[] = [];
  for (const { pid, parent, group, session, name } of ended) {
    if (processes.every(({ summary }) => summary.pid !== parent)) continue;
    const stat = parseStat(yield* readText(stub, `/proc/${pid}/stat`));
    images.push({ pid, parent, group, session, name, status: stat.field(EXIT_CODE) });
  }
  return images;
}
