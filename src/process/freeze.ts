import { SystemCallFailed } from "../guest/errno.js";
import { readText } from "../guest/files.js";
import type { Program } from "../guest/gate.js";
import { type MapsLine, parseMaps } from "../guest/procfs.js";
import {
  blockSignals,
  getRegisters,
  letGo,
  makeStill,
  type Registers,
  runBriefly,
  setRegisters,
  setSignalMask,
  stopTask,
} from "../guest/ptrace.js";
import { sleep } from "../guest/sleep.js";
import type { Stub } from "../guest/stub-session.js";
import { listThreads, type StoppedProcess } from "./capture-process.js";
import type { StoppedThread } from "./capture-thread.js";
import { CannotCarry } from "./files/file-kind.js";
import { listProcesses, type ProcessSummary, select, type Selection, summarise } from "./select.js";

/** Processes that stand still, until they are thawed or the stub that froze them ends. */
export interface FrozenTree {
  readonly processes: readonly StoppedProcess[];
  /** Those that have ended, and that their parents have not waited for. */
  readonly ended: readonly ProcessSummary[];
}

/** What is known before processes are stopped. */
export interface Foreknown {
  /** All processes as they were a moment before, so that those are stopped at once; null to look first. */
  readonly listed: readonly ProcessSummary[] | null;
  readonly last: StoppedLast | null;
}

/** Processes that are stopped after all others. */
export interface StoppedLast {
  readonly pids: ReadonlySet<number>;
  /** What is done while they alone run. */
  meanwhile(): Program<void>;
}

const SIGKILL = 9;
const WALL = 0x40000000;
/** How often a thread is let go on that is inside of the vDSO. */
const MOST_MOMENTS = 200;
/** How often, and each time how long in ns, a process is waited for that cannot be stopped. */
const MOST_WAITS = 100;
const WAIT_NS = 10_000_000;

/**
 * Stops selected processes, with all that descend from them; none of them can start another meanwhile.
 *
 * @param kernelThreads threads of the kernel that are known, which are passed over: there are many, and
 *   none of them becomes anything else; those that are found are added
 */
export function* freeze(
  stub: Stub,
  selections: readonly Selection[],
  own: number,
  kernelThreads: Set<number>,
  { listed, last }: Foreknown = { listed: null, last: null },
): Program<FrozenTree> {
  const frozen = new Map<number, StoppedProcess>();
  let spared = last?.pids ?? new Set<number>();
  let before = listed;
  try {
    for (;;) {
      const isOld = before !== null;
      const all = before ?? (yield* listProcesses(stub, kernelThreads));
      before = null;
      for (const { pid, kernelThread } of all) if (kernelThread) kernelThreads.add(pid);
      const chosen = select(all, selections, own);
      const ended = chosen.filter(({ state }) => state === "Z");
      const fresh = chosen
        .filter(({ pid }) => !frozen.has(pid))
        .filter((each) => !spared.has(each.pid) && !ended.includes(each));
      // Processes that stand still start no others: once nothing is new, all are there.
      if (fresh.length === 0 && last !== null && spared.size > 0) {
        yield* last.meanwhile();
        spared = new Set();
        continue;
      }
      if (fresh.length === 0 && !isOld) {
        for (const { pid } of ended) yield* requireEnded(stub, pid);
        // Who has got the number of one that has ended since the list was made is none of ours.
        const strays = [...frozen].filter(([pid]) => chosen.every((each) => each.pid !== pid));
        yield* thaw(
          stub,
          strays.map(([, process]) => process),
        );
        return { processes: inOrder(chosen, frozen), ended };
      }
      for (const summary of fresh) {
        const { pid } = summary;
        const process = { summary, threads: [], stoppedBy: null };
        frozen.set(pid, process);
        try {
          yield* awaitStoppable(stub, summary);
          const stoppedBy = yield* freezeProcess(stub, pid, process.threads);
          frozen.set(pid, { ...process, stoppedBy });
        } catch (error) {
          if (!(yield* hasEnded(stub, pid))) throw error;
          frozen.delete(pid);
        }
      }
    }
  } catch (error) {
    yield* thaw(stub, [...frozen.values()]);
    throw error;
  }
}

function inOrder(
  chosen: readonly ProcessSummary[],
  frozen: ReadonlyMap<number, StoppedProcess>,
): StoppedProcess[] {
  // What is known of them since they stand still.
  return chosen.flatMap((summary) => {
    const process = frozen.get(summary.pid);
    return process === undefined ? [] : [{ ...process, summary }];
  });
}

/** Whether a process or a thread has ended, which nothing keeps it from before it stands still. */
function* hasEnded(stub: Stub, tid: number): Program<boolean> {
  try {
    return (yield* summarise(stub, tid)).state === "Z";
  } catch (error) {
    if (error instanceof SystemCallFailed && error.is("ENOENT", "ESRCH")) return true;
    throw error;
  }
}

/** A process of which only the first thread has ended looks as if it had. */
function* requireEnded(stub: Stub, pid: number): Program<void> {
  const threads = yield* listThreads(stub, pid);
  if (threads.length > 1) {
    throw new CannotCarry(`the first thread of process ${pid} has ended, and others have not`);
  }
}

/** Waits until the kernel lets a process stop: not while it waits for a disk, say. */
function* awaitStoppable(stub: Stub, { pid, state }: ProcessSummary): Program<void> {
  let now = state;
  for (let wait = 0; now === "D"; wait++) {
    if (wait >= MOST_WAITS) {
      throw new CannotCarry(`process ${pid} waits in the kernel, and cannot be stopped there`);
    }
    yield* sleep(stub, WAIT_NS);
    now = (yield* summarise(stub, pid)).state;
  }
}

/** Stops all threads, which are added to `threads`; gives the signal that had stopped the process before. */
function* freezeProcess(stub: Stub, pid: number, threads: StoppedThread[]): Program<number | null> {
  let stoppedBy: number | null = null;
  for (;;) {
    const all = yield* listThreads(stub, pid);
    const fresh = all.filter((tid) => threads.every((thread) => thread.tid !== tid));
    if (fresh.length === 0) return stoppedBy;
    for (const tid of fresh) {
      try {
        stoppedBy = (yield* stopTask(stub, tid, "goes-on")) ?? stoppedBy;
      } catch (error) {
        // A thread that has ended is not listed again, but for the first one.
        if (tid !== pid && (yield* hasEnded(stub, tid))) continue;
        throw error;
      }
      const left = yield* leaveVdso(stub, pid, tid);
      stoppedBy = left.stoppedBy ?? stoppedBy;
      // From here on they have to be put back, so nothing may fail before it is among `threads`.
      const signalMask = yield* blockSignals(stub, tid);
      threads.push({ tid, signalMask, registers: left.registers });
    }
  }
}

/**
 * Lets a thread go on until it is out of the kernel's code in its process, which elsewhere is another. It
 * may stay there if it is in a system call. Its signals must be as they were: the call that it makes next may be
 * the one that asks for them.
 *
 * @returns its registers, and the signal that has stopped it meanwhile
 */
function* leaveVdso(
  stub: Stub,
  pid: number,
  tid: number,
): Program<{ readonly registers: Registers; readonly stoppedBy: number | null }> {
  let registers = yield* getRegisters(stub, tid);
  let stoppedBy: number | null = null;
  if (registers.origEax >= 0) return { registers, stoppedBy };
  const maps = parseMaps(yield* readText(stub, `/proc/${pid}/maps`));
  const vdso = maps.find(({ path }) => path === "[vdso]");
  for (let moment = 0; moment < MOST_MOMENTS; moment++) {
    const isInside = registers.origEax < 0 && vdso !== undefined && isIn(vdso, registers);
    if (!isInside) return { registers, stoppedBy };
    stoppedBy = (yield* runBriefly(stub, tid)) ?? stoppedBy;
    registers = yield* getRegisters(stub, tid);
  }
  throw new CannotCarry(`thread ${tid} of process ${pid} does not come out of the vDSO`);
}

function isIn({ start, end }: MapsLine, { eip }: Registers): boolean {
  return eip >>> 0 >= start && eip >>> 0 < end;
}

/** Lets frozen processes go on as if nothing had been; those that were killed meanwhile are left out. */
export function* thaw(stub: Stub, processes: readonly StoppedProcess[]): Program<void> {
  const threads = processes.flatMap((process) => process.threads);
  for (const { tid, signalMask, registers } of threads) {
    yield* unlessGone(function* () {
      yield* makeStill(stub, tid);
      yield* setRegisters(stub, tid, registers);
      yield* setSignalMask(stub, tid, signalMask);
    });
  }
  for (const { tid } of threads) yield* unlessGone(() => letGo(stub, tid));
}

/** Ends frozen processes. */
export function* endFrozen(stub: Stub, processes: readonly StoppedProcess[]): Program<void> {
  for (const { summary } of processes) yield* stub.attempt("kill", summary.pid, SIGKILL);
  for (const { summary, threads } of processes) {
    // Who traces a thread is told of its end first, and of that of the leader when the others are gone.
    const others = threads.filter(({ tid }) => tid !== summary.pid);
    for (const { tid } of others) yield* stub.attempt("wait4", tid, 0, WALL, 0);
    yield* stub.attempt("wait4", summary.pid, 0, WALL, 0);
  }
}

function* unlessGone(work: () => Program<void>): Program<void> {
  try {
    yield* work();
  } catch (error) {
    if (!(error instanceof SystemCallFailed && error.is("ESRCH"))) throw error;
  }
}
