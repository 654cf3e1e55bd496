/**
 * System calls that were cut short when their thread was stopped. They need nothing but their registers:
 * the kernel that lets the thread go on finds a call that is to be restarted there, and restarts it, or
 * has it fail with EINTR if a signal comes first.
 *
 * References:
 * - [signal] arch/x86/kernel/signal.c of Linux, handle_signal and arch_do_signal_or_restart
 * - [restart_syscall(2)], [signal(7)]
 */
import type { Registers } from "../guest/ptrace.js";
import { SYSTEM_CALLS, type SystemCall } from "../guest/system-calls.js";

const ERESTARTNOHAND = -514;
const ERESTART_RESTARTBLOCK = -516;

/** A sleep that was cut short, as it is to be called for the rest of it. */
export interface Sleep {
  readonly call: SystemCall;
  readonly args: readonly number[];
}

/**
 * The registers with which a thread goes on elsewhere. How far a call with a restart block has come, only
 * its own kernel knows: it starts anew, unless it is a sleep that `sleepOf` knows.
 */
export function restartCall(registers: Registers): Registers {
  const { origEax, eax } = registers;
  const hasBlock = origEax >= 0 && eax === ERESTART_RESTARTBLOCK;
  return hasBlock && sleepOf(registers) === null
    ? { ...registers, eax: ERESTARTNOHAND }
    : registers;
}

/** The sleep that a thread is in, if the kernel has told it how much of it is left; else null. */
export function sleepOf({ origEax, eax, ebx, ecx, esi }: Registers): Sleep | null {
  if (eax !== ERESTART_RESTARTBLOCK) return null;
  switch (origEax) {
    case SYSTEM_CALLS.nanosleep:
      return ecx === 0 ? null : { call: "nanosleep", args: [ecx, ecx] };
    case SYSTEM_CALLS.clock_nanosleep:
      return esi === 0 ? null : { call: "clock_nanosleep", args: [ebx, ecx, esi, esi] };
    case SYSTEM_CALLS.clock_nanosleep_time64:
      return esi === 0 ? null : { call: "clock_nanosleep_time64", args: [ebx, ecx, esi, esi] };
    default:
      return null;
  }
}
