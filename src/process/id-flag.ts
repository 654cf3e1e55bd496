/**
 * The flag ID of a thread, by which it can have found out whether there is the instruction CPUID. Nobody
 * can set it from outside: the kernel lets only the thread itself.
 *
 * References:
 * - [sdm] Intel 64 and IA-32 Architectures Software Developer's Manual, volume 1, 3.4.3 (EFLAGS)
 * - [ptrace] arch/x86/kernel/ptrace.c of Linux, FLAG_MASK
 */
import type { Program } from "../guest/gate.js";
import type { Room } from "../guest/inside.js";
import { type Registers } from "../guest/ptrace.js";
import { callInside, type Tracee } from "../guest/tracee.js";
import type { Stub } from "../guest/stub-session.js";

const ID_FLAG = 0x200000;
/** Between the code and the stack, which grows towards it, in bytes. */
const STACK_BYTES = 256;

const SET_ID = Uint8Array.of(
  0x9c, // pushf
  ...[0x81, 0x0c, 0x24, 0x00, 0x00, 0x20, 0x00], // or dword [esp], ID_FLAG
  0x9d, // popf
  ...[0xcd, 0x80], // int 0x80
);

/** Sets the flag in a stopped task if it is set in the registers that it will have. */
export function* restoreIdFlag(
  stub: Stub,
  tracee: Tracee,
  { memory, at }: Room,
  { eflags }: Registers,
): Program<void> {
  if ((eflags & ID_FLAG) === 0) return;
  memory.write(at, SET_ID);
  const onOwnStack = { ...tracee.registers, esp: at + SET_ID.length + STACK_BYTES };
  yield* callInside(stub, { ...tracee, registers: onOwnStack, gadget: at }, "getpid");
}
