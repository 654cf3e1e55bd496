/**
 * System calls that a stopped task is made to make.
 *
 * References:
 * - [ptrace(2)] PTRACE_SYSCALL, PTRACE_SINGLESTEP; arch/x86/kernel/signal.c of Linux for how calls start anew
 */
import type { Program } from "./gate.js";
import {
  awaitStop,
  EVENT_STOP,
  getRegisters,
  interrupt,
  peekSignals,
  type Registers,
  resume,
  setRegisters,
  setSignalMask,
  signalOf,
  SIGTRAP,
} from "./ptrace.js";
import { ALL_SIGNALS, signalSet } from "./signals.js";
import type { Stub } from "./stub-session.js";
import { SYSTEM_CALLS, type SystemCall } from "./system-calls.js";

const ALL_BUT_TRAP = signalSet(ALL_SIGNALS.filter((signal) => signal !== SIGTRAP));
/** Stops on the way to a system call, at most. */
const MOST_STOPS = 10;

/** A stopped task that system calls can be made in: all of its signals are blocked, but SIGTRAP if it may trap. */
export interface Tracee {
  readonly tid: number;
  /** Its registers, as they are to be when it goes on. */
  readonly registers: Registers;
  /** Address of an `int 0x80` in its memory. */
  readonly gadget: number;
  /** Whether it may be stopped by SIGTRAP at the end of a call: once, where it otherwise stops before and after it. */
  readonly mayTrap: boolean;
}

/**
 * Prepares a stopped task, all of whose signals are blocked, for calls. It may trap if that takes no signal from it:
 * a trap that is blocked or ignored would change how the process handles it, and one that waits would be lost.
 *
 * @param trapIsUnused whether the process neither ignores SIGTRAP nor is to have one waiting
 */
export function* openTracee(
  stub: Stub,
  task: Omit<Tracee, "mayTrap">,
  trapIsUnused: boolean,
): Program<Tracee> {
  const { tid } = task;
  if (!trapIsUnused) return { ...task, mayTrap: false };
  for (const shared of [false, true]) {
    const waiting = yield* peekSignals(stub, tid, shared);
    if (waiting.some((info) => signalOf(info) === SIGTRAP)) return { ...task, mayTrap: false };
  }
  yield* setSignalMask(stub, tid, ALL_BUT_TRAP);
  return { ...task, mayTrap: true };
}

/**
 * Makes a system call in a stopped task. Its registers are put back by whoever lets it go on.
 *
 * @returns what the call returned, an error as its negative number
 */
export function* callInside(
  stub: Stub,
  tracee: Tracee,
  name: SystemCall,
  ...args: readonly number[]
): Program<number> {
  const { tid, mayTrap } = tracee;
  yield* setRegisters(stub, tid, entryOf(tracee, name, args));
  if (mayTrap) {
    yield* continueToTrap(stub, tid, "toCallEnd");
  } else {
    yield* continueToCall(stub, tid);
    yield* continueToCall(stub, tid);
  }
  return (yield* getRegisters(stub, tid)).eax;
}

/** Lets a stopped task go on to the beginning or the end of its system call. */
function* continueToCall(stub: Stub, tid: number): Program<void> {
  for (let stop = 0; stop < MOST_STOPS; stop++) {
    yield* resume(stub, tid, "toCall");
    // A task that a signal had stopped stops once more for having been interrupted.
    if ((yield* awaitStop(stub, tid)) >> 16 !== EVENT_STOP) return;
  }
  throw new Error(`the task ${tid} does not come to its system call`);
}

/** Lets a stopped task that may trap run code in its memory, up to an `int3`. */
export function* runToTrap(stub: Stub, tracee: Tracee, eip: number): Program<void> {
  const { tid, registers } = tracee;
  yield* setRegisters(stub, tid, { ...registers, origEax: -1, eip });
  yield* continueToTrap(stub, tid, "freely");
}

/** Lets a stopped task go on until it traps; a signal that stops it on its way there is passed on to it. */
function* continueToTrap(stub: Stub, tid: number, how: "freely" | "toCallEnd"): Program<void> {
  let signal = 0;
  for (let stop = 0; stop < MOST_STOPS; stop++) {
    yield* resume(stub, tid, how, signal);
    const status = yield* awaitStop(stub, tid);
    const isEvent = status >> 16 === EVENT_STOP;
    signal = isEvent ? 0 : (status >> 8) & 0xff;
    if (signal === SIGTRAP) return;
  }
  throw new Error(`the task ${tid} does not trap`);
}

/** Registers with which a task makes a system call next. */
function entryOf(
  { registers, gadget }: Tracee,
  name: SystemCall,
  [ebx = 0, ecx = 0, edx = 0, esi = 0, edi = 0, ebp = 0]: readonly number[],
): Registers {
  const eax = SYSTEM_CALLS[name];
  return { ...registers, eax, ebx, ecx, edx, esi, edi, ebp, origEax: -1, eip: gadget };
}

/**
 * The same for a call that sleeps: it is interrupted at once, so that the kernel knows how it is to go
 * on. It does so if the task is let go with ERESTART_RESTARTBLOCK as its result.
 */
export function* interruptInside(
  stub: Stub,
  tracee: Tracee,
  name: SystemCall,
  ...args: readonly number[]
): Program<void> {
  const { tid } = tracee;
  yield* setRegisters(stub, tid, entryOf(tracee, name, args));
  yield* continueToCall(stub, tid);
  yield* resume(stub, tid, "toCall");
  yield* interrupt(stub, tid);
  yield* awaitStop(stub, tid);
}
