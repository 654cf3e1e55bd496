/**
 * System calls that were cut short when their thread was stopped.
 *
 * References:
 * - [signal] arch/x86/kernel/signal.c of Linux, handle_signal and arch_do_signal_or_restart
 * - [restart_syscall(2)]
 */
import { SYSTEM_CALLS } from "../guest/system-calls.js";
import type { Registers } from "../guest/ptrace.js";

const ERESTARTSYS = -512;
const ERESTARTNOINTR = -513;
const ERESTARTNOHAND = -514;
const ERESTART_RESTARTBLOCK = -516;

const RESTART_SYSCALL = 0;

/** `int 0x80` has two bytes, as has every other way into the kernel where it returns to. */
const INT80_BYTES = 2;

/**
 * The registers with which a thread goes on elsewhere: a call that was cut short starts again. One that
 * had used up a part of its time goes on with the rest if the kernel has told how much that is.
 */
export function restartCall(registers: Registers): Registers {
  const { origEax, eax, eip } = registers;
  if (origEax < 0) return registers;
  const again = { ...registers, eax: origEax, eip: eip - INT80_BYTES, origEax: -1 };
  switch (eax) {
    case ERESTARTSYS:
    case ERESTARTNOINTR:
    case ERESTARTNOHAND:
      return again;
    case ERESTART_RESTARTBLOCK:
      // The kernel has stored the time that is left where the second argument points.
      if (origEax === SYSTEM_CALLS.nanosleep && registers.ecx !== 0) {
        return { ...again, ebx: registers.ecx };
      }
      return again;
    default:
      return { ...registers, origEax: -1 };
  }
}

/**
 * The registers with which a thread goes on where it was stopped, once other calls have been made in it:
 * the kernel does no more for it then than to return.
 */
export function resumeCall(registers: Registers): Registers {
  const again = restartCall(registers);
  const hasBlock = registers.origEax >= 0 && registers.eax === ERESTART_RESTARTBLOCK;
  return hasBlock ? { ...again, eax: RESTART_SYSCALL, ebx: registers.ebx } : again;
}
