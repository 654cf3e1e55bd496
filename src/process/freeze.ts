import { SystemCallFailed } from "../guest/errno.js";
import type { Program } from "../guest/gate.js";
import {
  blockSignals,
  getRegisters,
  letGo,
  type Registers,
  setRegisters,
  setSignalMask,
  stopTask,
} from "../guest/ptrace.js";
import type { Stub } from "../guest/stub-session.js";
import { listThreads, type StoppedProcess } from "./capture-process.js";
import { resumeCall } from "./restart.js";
import { listProcesses, type ProcessSummary, select, type Selection } from "./select.js";

/** Processes that stand still, until they are thawed or the stub that froze them ends. */
export interface FrozenTree {
  readonly processes: readonly StoppedProcess[];
  /** What every thread goes on with when it is thawed, by thread id. */
  readonly resume: ReadonlyMap<number, Registers>;
}

/** Stops selected processes, with all that descend from them; none of them can start another meanwhile. */
export function* freeze(
  stub: Stub,
  selections: readonly Selection[],
  own: number,
): Program<FrozenTree> {
  const frozen = new Map<number, StoppedProcess>();
  const resume = new Map<number, Registers>();
  try {
    for (;;) {
      const chosen = select(yield* listProcesses(stub), selections, own);
      const fresh = chosen.filter(({ pid }) => !frozen.has(pid));
      // Processes that stand still start no others: once nothing is new, all are there.
      if (fresh.length === 0) return { processes: inOrder(chosen, frozen), resume };
      for (const summary of fresh) {
        frozen.set(summary.pid, yield* freezeProcess(stub, summary, resume));
      }
    }
  } catch (error) {
    yield* thaw(stub, { processes: [...frozen.values()], resume });
    throw error;
  }
}

function inOrder(
  chosen: readonly ProcessSummary[],
  frozen: ReadonlyMap<number, StoppedProcess>,
): StoppedProcess[] {
  return chosen.flatMap(({ pid }) => frozen.get(pid) ?? []);
}

function* freezeProcess(
  stub: Stub,
  summary: ProcessSummary,
  resume: Map<number, Registers>,
): Program<StoppedProcess> {
  const threads: { tid: number; signalMask: Uint8Array }[] = [];
  let stoppedBy: number | null = null;
  for (;;) {
    const all = yield* listThreads(stub, summary.pid);
    const fresh = all.filter((tid) => threads.every((thread) => thread.tid !== tid));
    if (fresh.length === 0) return { summary, threads, stoppedBy };
    for (const tid of fresh) {
      stoppedBy = (yield* stopTask(stub, tid, "goes-on")) ?? stoppedBy;
      resume.set(tid, resumeCall(yield* getRegisters(stub, tid)));
      threads.push({ tid, signalMask: yield* blockSignals(stub, tid) });
    }
  }
}

/** Lets frozen processes go on as if nothing had been; those that were killed meanwhile are left out. */
export function* thaw(stub: Stub, { processes, resume }: FrozenTree): Program<void> {
  const threads = processes.flatMap((process) => process.threads);
  for (const { tid, signalMask } of threads) {
    yield* unlessGone(function* () {
      const registers = resume.get(tid);
      if (registers !== undefined) yield* setRegisters(stub, tid, registers);
      yield* setSignalMask(stub, tid, signalMask);
    });
  }
  for (const { tid } of threads) yield* unlessGone(() => letGo(stub, tid));
}

function* unlessGone(work: () => Program<void>): Program<void> {
  try {
    yield* work();
  } catch (error) {
    if (!(error instanceof SystemCallFailed && error.is("ESRCH"))) throw error;
  }
}
