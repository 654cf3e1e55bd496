/**
 * Processes that are made ahead: they stand in their tree, in the stubs that will become them, with as much of
 * their memory as is known.
 *
 * References:
 * - [proc(5)]; [madvise(2)] MADV_WILLNEED
 */
import { readText } from "../guest/files.js";
import type { Program } from "../guest/gate.js";
import { parseMaps } from "../guest/procfs.js";
import { LAST_SIGNAL } from "../guest/signals.js";
import { sleep } from "../guest/sleep.js";
import type { Stub } from "../guest/stub-session.js";
import type { GuestAccess } from "../machine/resident.js";
import { continueClocks } from "./clocks.js";
import { type Credentials, ownCredentials } from "./credentials.js";
import { createCrew, type Crew, type Job } from "./crew.js";
import { CannotCarry, type RestoreContext } from "./files/file-kind.js";
import { makeMaster } from "./files/pseudo-terminal.js";
import type { ProcessImage, TreeImage } from "./image.js";
import type { Range } from "./kept-ranges.js";
import type { ChangedPages, Outline, OutlinedProcess } from "./outline.js";
import {
  canBecome,
  type PreparedMemory,
  prepareMemory,
  refreshMemory,
  type StubAreas,
  takenBy,
} from "./restore-memory.js";
import { startTree } from "./tree.js";

/** A tree of stubs that wait to become processes. */
export interface PreparedTree {
  readonly crew: Crew;
  readonly areas: StubAreas;
  /** What the stubs may do. */
  readonly rights: Credentials;
  /** Memory of each, by its process id. */
  readonly memory: Map<number, PreparedMemory>;
  /** Process ids of their parents; null where that is the stub that has made them. */
  readonly parents: ReadonlyMap<number, number | null>;
  /** What was opened for them already. */
  readonly opened: RestoreContext;
}

const WNOHANG = 1;
/** Children whatever signal they end with. */
const WALL = 0x40000000;
const NO_PAGES = { addresses: new Uint32Array(), content: new Uint8Array() };
const SIGKILL = 9;
const SIGSTOP = 19;
/** How often, and each time how long in ns, the end of killed stubs is waited for. */
const MOST_WAITS = 1000;
const WAIT_NS = 1_000_000;

/**
 * Makes a tree. Its processes end with the stub.
 *
 * @param keepFree by process id, what else the process is going to have of its addresses
 * @throws {CannotCarry} if this system has not got what they need
 */
export function* prepareTree(
  stub: Stub,
  access: GuestAccess,
  { clocks, processes }: Outline,
  keepFree: ReadonlyMap<number, readonly Range[]> = new Map(),
): Program<PreparedTree> {
  const own = yield* stub.call("getpid");
  yield* continueClocks(stub, access, clocks);
  for (let signal = 1; signal <= LAST_SIGNAL; signal++) {
    const byDefault = new Uint8Array(20);
    if (signal !== SIGKILL && signal !== SIGSTOP) {
      yield* stub.call("rt_sigaction", signal, byDefault, 0, 8);
    }
  }
  const areas = yield* ownAreas(stub);
  const rights = yield* ownCredentials(stub);
  const crew = createCrew(own);
  const opened = { shared: new Map<string, unknown>() };
  yield* makeTerminals(stub, processes, opened);
  yield* startTree(stub, crew, processes);
  const memory = new Map<number, PreparedMemory>();
  yield* crew.run(
    stub,
    processes.map((process) => [
      process.pid,
      function* (member) {
        const free = keepFree.get(process.pid) ?? [];
        memory.set(process.pid, yield* prepareMemory(member, areas, process, free));
      },
    ]),
  );
  const parents = new Map(processes.map(({ pid, parent }) => [pid, parent]));
  return { crew, areas, rights, memory, parents, opened };
}

/** A session takes its terminal before others are in it. */
function* makeTerminals(
  stub: Stub,
  processes: readonly Pick<OutlinedProcess, "controllingTerminal">[],
  opened: RestoreContext,
): Program<void> {
  for (const { controllingTerminal } of processes) {
    const index = /^\/dev\/pts\/(\d+)$/.exec(controllingTerminal?.path ?? "")?.[1];
    if (index !== undefined) yield* makeMaster(stub, Number(index), opened);
  }
}

/**
 * Makes a prepared tree that of an image: those that are not kept end, and those that are new start, without
 * memory.
 *
 * @param kept see `Told.kept`; `canJoin` the others
 */
export function* adaptTree(
  stub: Stub,
  tree: PreparedTree,
  { processes }: TreeImage,
  kept: ReadonlySet<number>,
): Program<void> {
  const { crew, memory, opened } = tree;
  yield* endAll(stub, tree, kept);
  yield* makeTerminals(stub, processes, opened);
  yield* startTree(stub, crew, processes, kept);
  const fresh = processes.filter(({ pid }) => !kept.has(pid));
  yield* crew.run(
    stub,
    fresh.map((process) => [
      process.pid,
      function* (member) {
        // Who was forked by one with memory has that memory, too.
        const areas = yield* ownAreas(member);
        const empty = { ...process, mappings: [], pages: NO_PAGES };
        memory.set(process.pid, yield* prepareMemory(member, areas, empty, takenBy(process)));
      },
    ]),
  );
}

/** Ends those that are not kept, with their children; nothing is left of them. */
function* endAll(
  stub: Stub,
  { crew, memory, parents }: PreparedTree,
  kept: ReadonlySet<number>,
): Program<void> {
  const gone = [...memory.keys()].filter((pid) => !kept.has(pid));
  for (const pid of gone) {
    yield* stub.attempt("kill", pid, SIGKILL);
    memory.delete(pid);
  }
  for (const pid of gone) {
    const parent = parents.get(pid) ?? null;
    if (parent === null) yield* stub.attempt("wait4", pid, 0, WALL, 0);
    else if (kept.has(parent)) {
      const reap: Job = function* (member) {
        yield* member.attempt("wait4", pid, 0, WALL, 0);
      };
      yield* crew.run(stub, [[parent, reap]]);
    }
  }
  yield* awaitEnd(stub, gone);
}

/** Brings the memory of prepared processes up to date. */
export function* refreshTree(
  stub: Stub,
  { crew, memory }: PreparedTree,
  changes: readonly ChangedPages[],
): Program<void> {
  yield* crew.run(
    stub,
    changes.map((changed) => [
      changed.pid,
      (member) => refreshMemory(member, memory.get(changed.pid)?.mappings ?? [], changed),
    ]),
  );
}

/** Whether the prepared process of that number has room for what a process has mapped. */
export function hasRoom({ memory }: PreparedTree, process: ProcessImage): boolean {
  const its = memory.get(process.pid);
  return its !== undefined && canBecome(its, process);
}

/** Has the kernel look for files, so that it knows them when they are opened. */
export function* lookUp(stub: Stub, paths: readonly string[]): Program<void> {
  for (const path of paths) yield* stub.attempt("stat64", path, stub.out);
}

/**
 * Ends a prepared tree; its process ids are free afterwards.
 *
 * @throws {CannotCarry} if they do not become free
 */
export function* abandonTree(stub: Stub, { memory, opened }: PreparedTree): Program<void> {
  const pids = [...memory.keys()];
  for (const pid of pids) yield* stub.attempt("kill", pid, SIGKILL);
  for (const fd of opened.shared.values()) {
    if (typeof fd === "number") yield* stub.attempt("close", fd);
  }
  yield* awaitEnd(stub, pids);
}

/** Lets time pass until killed stubs are gone: those of this stub's children, and those that init buries. */
function* awaitEnd(stub: Stub, pids: readonly number[]): Program<void> {
  for (let wait = 0; wait < MOST_WAITS; wait++) {
    for (const pid of pids) yield* stub.attempt("wait4", pid, 0, WNOHANG, 0);
    let left = 0;
    for (const pid of pids) if ((yield* stub.attempt("kill", pid, 0)) === 0) left++;
    if (left === 0) return;
    yield* sleep(stub, WAIT_NS);
  }
  throw new CannotCarry("processes that were made ahead do not end");
}

function* ownAreas(stub: Stub): Program<StubAreas> {
  const maps = parseMaps(yield* readText(stub, "/proc/self/maps"));
  const vdso = maps.find(({ path }) => path === "[vdso]");
  if (vdso === undefined) throw new CannotCarry("this kernel gives its processes no vDSO");
  // By way of the kernel: a page that was not used yet is not there to be read.
  const mem = yield* stub.call("open", "/proc/self/mem", 0);
  const bytes = vdso.end - vdso.start;
  yield* stub.call("pread64", mem, stub.out, bytes, vdso.start, 0);
  const vdsoImage = stub.results(bytes);
  yield* stub.call("close", mem);
  return { maps, vdsoImage };
}
