/**
 * What of running processes cannot be carried to another kernel, found before any of them is stopped.
 *
 * References:
 * - [proc_pid_status(5)] TracerPid; [namespaces(7)]; [proc_pid_maps(5)]; [kcmp(2)], [unshare(2)]
 */
import { SystemCallFailed } from "../guest/errno.js";
import { listNumbers, readLink, readText } from "../guest/files.js";
import type { Program } from "../guest/gate.js";
import { field, parseFields, parseMaps, parseStat } from "../guest/procfs.js";
import type { Stub } from "../guest/stub-session.js";
import { openFound } from "./capture-files.js";
import { listThreads } from "./capture-process.js";
import { type FoundFile, isType } from "./files/file-kind.js";
import { isCarried } from "./files/kinds.js";
import { isSameFile } from "./file-version.js";
import type { OutlinedProcess } from "./outline.js";
import { listProcesses, type ProcessSummary, select, type Selection } from "./select.js";
import { undoObstacle } from "./system-v.js";

/** In the flags of a task, as `/proc/PID/stat` has them. */
const PF_EXITING = 4;

/** By kind, as [kcmp(2)] numbers them. */
const SHARED_BY_THREADS = [
  { kind: 3, what: "the working directory" },
  { kind: 2, what: "the table of descriptors" },
];

/** One thing that keeps a process from being carried. */
export interface Obstacle {
  readonly pid: number;
  /** Name of the process, as `comm` gives it. */
  readonly name: string;
  /** The descriptor it is about, or null. */
  readonly descriptor: number | null;
  readonly what: string;
  readonly why: string;
}

/** Namespaces that a process must share with the rest; its clocks go along. */
const NAMESPACES = ["cgroup", "ipc", "mnt", "net", "pid", "user", "uts"];
/** Nothing but files there are devices. */
const DEVICES = /^\/dev\/(?!shm\/|zero)/;
/** The kernel adds it to the name of a file that has no name any more. */
const DELETED = " (deleted)";

/** An obstacle as one line for a person. */
export function describeObstacle({ pid, name, descriptor, what, why }: Obstacle): string {
  const where = descriptor === null ? "" : `descriptor ${descriptor}, `;
  return `process ${pid} (${name}): ${where}${what}: ${why}`;
}

/** Lists what of the selected processes cannot be carried; none of them is stopped or changed. */
export function* survey(stub: Stub, selections: readonly Selection[]): Program<Obstacle[]> {
  const own = yield* stub.call("getpid");
  const all = yield* listProcesses(stub);
  const chosen = select(all, selections, own).filter(({ state }) => state !== "Z");
  const tracers = yield* readTracers(stub, all);
  const obstacles: Obstacle[] = [];
  for (const process of chosen) {
    const { pid, name } = process;
    const found = yield* whileItLives(function* () {
      return [
        ...traced(process, tracers),
        ...(yield* elsewhere(stub, pid)),
        ...(yield* surveyProgram(stub, pid)),
        ...(yield* surveyMemory(stub, pid)),
        ...(yield* surveyThreads(stub, pid)),
        ...(yield* surveyDescriptors(stub, pid)),
      ];
    });
    obstacles.push(...(found ?? []).map((obstacle) => ({ pid, name, ...obstacle })));
  }
  return obstacles;
}

/** Lists which process ids that are needed are taken here. */
export function* surveyTarget(stub: Stub, wanted: readonly number[]): Program<Obstacle[]> {
  const taken = new Set(wanted);
  return (yield* listProcesses(stub))
    .filter(({ pid }) => taken.has(pid))
    .map(({ pid, name }) => ({
      pid,
      name,
      descriptor: null,
      what: `the process id ${pid}`,
      why: "it is taken on the new system",
    }));
}

/** A file that a program has in its memory. */
export interface MappedFile {
  readonly pid: number;
  readonly path: string;
}

/** Lists which files are here not as programs have them in memory. */
export function* surveyMapped(
  stub: Stub,
  processes: readonly Pick<OutlinedProcess, "pid" | "mappings">[],
): Program<MappedFile[]> {
  const isSame = new Map<string, boolean>();
  for (const { file } of processes.flatMap(({ mappings }) => mappings)) {
    if (file === null || isSame.has(file.path)) continue;
    isSame.set(file.path, yield* isSameFile(stub, file));
  }
  return processes.flatMap(({ pid, mappings }) => {
    const paths = new Set(mappings.flatMap(({ file }) => file?.path ?? []));
    return [...paths].filter((path) => isSame.get(path) === false).map((path) => ({ pid, path }));
  });
}

type Found = Omit<Obstacle, "pid" | "name">;

function plain(what: string, why: string): Found {
  return { descriptor: null, what, why };
}

/** Who traces each process, by process id. */
function* readTracers(
  stub: Stub,
  processes: readonly ProcessSummary[],
): Program<ReadonlyMap<number, number>> {
  const tracers = new Map<number, number>();
  for (const { pid } of processes) {
    const status = yield* whileItLives(() => readText(stub, `/proc/${pid}/status`));
    const tracer = status === null ? 0 : Number(field(parseFields(status), "TracerPid"));
    if (tracer !== 0) tracers.set(pid, tracer);
  }
  return tracers;
}

function traced({ pid }: ProcessSummary, tracers: ReadonlyMap<number, number>): Found[] {
  const tracer = tracers.get(pid);
  const tracees = [...tracers].filter(([, its]) => its === pid).map(([tracee]) => tracee);
  const why = "tracing by ptrace cannot go on elsewhere";
  return [
    ...(tracer === undefined ? [] : [plain(`it is traced by process ${tracer}`, why)]),
    ...tracees.map((tracee) => plain(`it traces process ${tracee}`, why)),
  ];
}

function* elsewhere(stub: Stub, pid: number): Program<Found[]> {
  const found: Found[] = [];
  for (const kind of NAMESPACES) {
    const its = yield* readLink(stub, `/proc/${pid}/ns/${kind}`);
    if (its !== (yield* readLink(stub, `/proc/self/ns/${kind}`))) {
      found.push(plain(`its namespace ${its}`, "it is not that of the rest of the system"));
    }
  }
  return found;
}

/** A process keeps the program that it was started from, but the new system has only what its name stands for. */
function* surveyProgram(stub: Stub, pid: number): Program<Found[]> {
  const program = yield* readLink(stub, `/proc/${pid}/exe`);
  if (!program.endsWith(DELETED)) return [];
  const path = program.slice(0, -DELETED.length);
  return [plain(`its program ${path}`, "it was replaced or deleted after the process began")];
}

function* surveyMemory(stub: Stub, pid: number): Program<Found[]> {
  const maps = parseMaps(yield* readText(stub, `/proc/${pid}/maps`));
  const devices = new Set(maps.map(({ path }) => path).filter((path) => DEVICES.test(path)));
  const undo = yield* undoObstacle(stub, pid);
  return [
    ...[...devices].map((path) => plain(`${path} in its memory`, "it is a device")),
    ...(undo === null ? [] : [plain("semaphores", undo)]),
  ];
}

/** Threads are made with one working directory and one table of descriptors; one may have left them. */
function* surveyThreads(stub: Stub, pid: number): Program<Found[]> {
  const found: Found[] = [];
  for (const tid of (yield* listThreads(stub, pid)).slice(1)) {
    for (const { kind, what } of SHARED_BY_THREADS) {
      const order = yield* whileItLives(() => stub.call("kcmp", pid, tid, kind, 0, 0));
      if (order === null || order === 0) continue;
      const stat = yield* whileItLives(() => readText(stub, `/proc/${pid}/task/${tid}/stat`));
      // One that is ending has given them up already.
      if (stat === null || (parseStat(stat).field(9) & PF_EXITING) !== 0) continue;
      found.push(
        plain(`${what} of thread ${tid}`, "the thread does not share it with its process"),
      );
    }
  }
  return found;
}

function* surveyDescriptors(stub: Stub, pid: number): Program<Found[]> {
  const found: Found[] = [];
  const pidfd = yield* stub.call("pidfd_open", pid, 0);
  try {
    for (const number of yield* listNumbers(stub, `/proc/${pid}/fd`)) {
      const file = yield* whileItLives(() => openFound(stub, pidfd, { pid, number }));
      if (file === null) continue;
      yield* stub.call("close", file.fd);
      if (isCarried(file)) continue;
      found.push({ descriptor: number, what: file.link, why: reasonOf(file) });
    }
  } finally {
    yield* stub.attempt("close", pidfd);
  }
  return found;
}

function reasonOf({ mode }: FoundFile): string {
  if (isType(mode, "characterDevice")) return "it is a device with a state that cannot be read";
  if (isType(mode, "socket")) return "sockets of this kind cannot be carried";
  return "files of this kind cannot be carried";
}

/** Null if the process has ended meanwhile, or closed the descriptor. */
function* whileItLives<T>(work: () => Program<T>): Program<T | null> {
  try {
    return yield* work();
  } catch (error) {
    if (error instanceof SystemCallFailed && error.is("ENOENT", "ESRCH", "EBADF")) return null;
    throw error;
  }
}
