/**
 * Processes that are made ahead: they stand in their tree, in the stubs that will become them, with as much of
 * their memory as is known.
 *
 * References:
 * - [proc(5)]; [madvise(2)] MADV_WILLNEED
 */
import { listNumbers, readText } from "../guest/files.js";
import type { Program } from "../guest/gate.js";
import { parseMaps } from "../guest/procfs.js";
import { LAST_SIGNAL } from "../guest/signals.js";
import type { Stub } from "../guest/stub-session.js";
import type { GuestAccess } from "../machine/resident.js";
import { continueClocks } from "./clocks.js";
import { type Credentials, ownCredentials } from "./credentials.js";
import { createCrew, type Crew } from "./crew.js";
import { CannotCarry, type RestoreContext } from "./files/file-kind.js";
import { makeMaster } from "./files/pseudo-terminal.js";
import type { TreeImage } from "./image.js";
import type { Range } from "./kept-ranges.js";
import type { ChangedPages, Outline } from "./outline.js";
import {
  canBecome,
  type PreparedMemory,
  prepareMemory,
  refreshMemory,
  type StubAreas,
} from "./restore-memory.js";
import { startTree } from "./tree.js";

/** A tree of stubs that wait to become processes. */
export interface PreparedTree {
  readonly crew: Crew;
  readonly areas: StubAreas;
  /** What the stubs may do. */
  readonly rights: Credentials;
  /** Memory of each, by its process id. */
  readonly memory: ReadonlyMap<number, PreparedMemory>;
  /** What was opened for them already. */
  readonly opened: RestoreContext;
}

const WNOHANG = 1;
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
  // A session takes its terminal before others are in it.
  const opened = { shared: new Map<string, unknown>() };
  for (const { controllingTerminal } of processes) {
    const index = /^\/dev\/pts\/(\d+)$/.exec(controllingTerminal?.path ?? "")?.[1];
    if (index !== undefined) yield* makeMaster(stub, Number(index), opened);
  }
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
  return { crew, areas, rights, memory, opened };
}

/** Brings the memory of prepared processes up to date. */
export function* refreshTree(
  stub: Stub,
  { crew }: PreparedTree,
  changes: readonly ChangedPages[],
): Program<void> {
  yield* crew.run(
    stub,
    changes.map((changed) => [changed.pid, (member) => refreshMemory(member, changed)]),
  );
}

/** Whether prepared processes have room for what those of an image have mapped. */
export function canBecomeTree({ memory }: PreparedTree, { processes }: TreeImage): boolean {
  return processes.every((process) => {
    const its = memory.get(process.pid);
    return its !== undefined && canBecome(its, process);
  });
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
  const time = new Uint8Array(Int32Array.of(0, WAIT_NS).buffer);
  for (let wait = 0; wait < MOST_WAITS; wait++) {
    for (const pid of pids) yield* stub.attempt("wait4", pid, 0, WNOHANG, 0);
    const left = new Set(yield* listNumbers(stub, "/proc"));
    if (pids.every((pid) => !left.has(pid))) return;
    yield* stub.attempt("nanosleep", time, 0);
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
