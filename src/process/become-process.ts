/**
 * The last step of a stub that is to be a process: others make the calls in it, take it out of there, and
 * let the process go on.
 *
 * References:
 * - [ptrace(2)], [iopl(2)]: children inherit the privilege, so each thread gives it back
 * - [wait(2)] WUNTRACED; [sched_setscheduler(2)]
 */
import type { Program } from "../guest/gate.js";
import { type Inside, openInside, type Room } from "../guest/inside.js";
import {
  awaitStop,
  blockSignals,
  getRegisters,
  letGo,
  resume,
  setFpx,
  setRegisters,
  setSignalMask,
  signalOf,
  SIGTRAP,
  stopTask,
} from "../guest/ptrace.js";
import { callInside, interruptInside, openTracee, type Tracee } from "../guest/tracee.js";
import { STUB_AREA } from "../guest/stub.js";
import type { Stub } from "../guest/stub-session.js";
import { findInt80 } from "./capture-process.js";
import { restoreCgroups } from "./cgroups.js";
import { type Credentials, restoreRights } from "./credentials.js";
import { CannotCarry } from "./files/file-kind.js";
import { restoreIdFlag } from "./id-flag.js";
import type { ProcessImage, ThreadImage, TreeImage } from "./image.js";
import { dropSignals, queueSignals } from "./pending-signals.js";
import { restoreDeathSignal, restoreProcessFlags } from "./prctl-flags.js";
import { sleepOf } from "./restart.js";
import { restoreLimits } from "./restore-process.js";
import { putBackSequence } from "./rseq.js";
import { restoreScheduling } from "./scheduling.js";
import { restoreSeccomp } from "./seccomp.js";
import { armTimers } from "./timers.js";

const SIG_IGN = 1;
const SIGSTOP = 19;
const WUNTRACED = 2;
const SCHED_FIFO = 1;

/** A stopped thread that is still a stub. */
interface Member {
  readonly thread: ThreadImage;
  readonly tracee: Tracee;
  readonly inside: Inside;
}

/**
 * Takes the stub out of a process, and gives its threads their rights and their registers; they stay
 * stopped. From here on the process could no longer do anything for itself.
 *
 * @param room of the stub in its first thread
 * @param rights what the stubs had before they got the identities of its threads
 */
export function* becomeProcess(
  stub: Stub,
  process: ProcessImage,
  { room, rights }: { readonly room: Room; readonly rights: Credentials },
): Program<void> {
  const { pid } = process;
  const gadget = gadgetOf(process);
  const members: Member[] = [];
  const trapIsUnused = !usesTrap(process);
  for (const thread of process.threads) {
    members.push(yield* stopMember(stub, thread, { gadget, room, trapIsUnused }));
  }
  for (const [index, { thread, tracee, inside }] of members.entries()) {
    const { tid } = tracee;
    yield* queueSignals(inside, pid, tid, thread.pending);
    if (index === 0) {
      yield* queueSignals(inside, pid, null, process.pending);
      yield* armTimers(inside, process.intervalTimers, process.posixTimers);
    }
    yield* restoreSeccomp(inside, thread.seccomp);
    yield* restoreRights(inside, rights, thread.credentials);
    yield* restoreDeathSignal(inside, thread.flags);
    if (index === members.length - 1) {
      yield* restoreProcessFlags(stub, inside, pid, process.flags);
      const bytes = STUB_AREA.end - STUB_AREA.start;
      yield* callInside(stub, tracee, "munmap", STUB_AREA.start, bytes);
    }
    const sleep = sleepOf(thread.registers);
    if (sleep !== null) yield* interruptInside(stub, tracee, sleep.call, ...sleep.args);
    yield* setFpx(stub, tid, thread.fpx);
    yield* putRegisters(stub, thread);
    yield* putBackSequence(stub, tid, thread.rseq);
    yield* restoreScheduling(stub, tid, thread.scheduling);
  }
  yield* restoreCgroups(stub, pid, process.cgroups);
  yield* restoreLimits(stub, process);
}

function* stopMember(
  stub: Stub,
  thread: ThreadImage,
  its: { readonly gadget: number; readonly room: Room; readonly trapIsUnused: boolean },
): Program<Member> {
  const { tid } = thread;
  const { gadget, room, trapIsUnused } = its;
  yield* stopTask(stub, tid, "is-killed");
  const registers = yield* getRegisters(stub, tid);
  const tracee = yield* openTracee(stub, { tid, registers, gadget }, trapIsUnused);
  yield* callInside(stub, tracee, "iopl", 0);
  yield* restoreIdFlag(stub, tracee, room, thread.registers);
  const inside = openInside(stub, tracee, room);
  yield* dropSignals(stub, inside, tid);
  return { thread, tracee, inside };
}

function* putRegisters(stub: Stub, { tid, signalMask, registers }: ThreadImage): Program<void> {
  yield* setSignalMask(stub, tid, signalMask);
  yield* setRegisters(stub, tid, registers);
}

/** Whether a process ignores SIGTRAP, or is to have one waiting. */
function usesTrap({ actions, pending, threads }: ProcessImage): boolean {
  const waiting = [...pending, ...threads.flatMap((thread) => thread.pending)];
  const isIgnored = actions.some(
    // struct sigaction begins with the handler.
    ({ signal, action }) =>
      signal === SIGTRAP &&
      new DataView(action.buffer, action.byteOffset).getUint32(0, true) === SIG_IGN,
  );
  return isIgnored || waiting.some((info) => signalOf(info) === SIGTRAP);
}

function gadgetOf({ vdso, pid }: ProcessImage): number {
  if (vdso === null) throw new CannotCarry(`process ${pid} had no vDSO`);
  return vdso.address + findInt80(vdso.image, pid);
}

/**
 * Lets the processes of an image go on that have become what they are to be. From then on the stub comes before
 * other programs: who goes on first is not to keep the others, and whoever waits for the stub's answer, waiting.
 */
export function* release(stub: Stub, { processes }: TreeImage): Program<void> {
  yield* stub.call("sched_setscheduler", 0, SCHED_FIFO, new Uint8Array(Int32Array.of(1).buffer));
  const stopped = processes.filter(({ stoppedBy }) => stoppedBy !== null);
  for (const { pid, parent, threads } of stopped) {
    const [leader] = threads;
    if (leader !== undefined) yield* stopAgain(stub, pid, leader);
    for (const { tid } of threads) yield* letGo(stub, tid);
    const its = processes.find((process) => process.pid === parent);
    // A stopped parent cannot wait; its children can have no other.
    if (its?.stoppedBy === null) yield* noteStop(stub, its, pid);
  }
  for (const process of processes) {
    if (process.stoppedBy !== null) continue;
    for (const { tid } of process.threads) yield* letGo(stub, tid);
  }
}

/** Has a process stop as a signal had stopped it: before the signals that wait for it until it goes on. */
function* stopAgain(stub: Stub, pid: number, { tid, signalMask }: ThreadImage): Program<void> {
  yield* blockSignals(stub, tid);
  // Any other signal that stops could be caught.
  yield* stub.call("kill", pid, SIGSTOP);
  yield* resume(stub, tid, "freely");
  yield* awaitStop(stub, tid);
  yield* resume(stub, tid, "freely", SIGSTOP);
  yield* awaitStop(stub, tid);
  yield* setSignalMask(stub, tid, signalMask);
}

/** Has a process wait until a child of it is stopped: it knew of it already. */
function* noteStop(stub: Stub, parent: ProcessImage, child: number): Program<void> {
  const [leader] = parent.threads;
  if (leader === undefined) return;
  const { tid, registers } = leader;
  yield* blockSignals(stub, tid);
  const tracee = { tid, registers, gadget: gadgetOf(parent), mayTrap: false };
  yield* callInside(stub, tracee, "wait4", child, 0, WUNTRACED, 0);
  yield* putRegisters(stub, leader);
  yield* putBackSequence(stub, tid, leader.rseq);
}
