/**
 * Stopping tasks and looking into them.
 *
 * References:
 * - [ptrace(2)]; the numbers are those of include/uapi/linux/ptrace.h and arch/x86/include/asm/ptrace-abi.h
 * - [user] `struct user_regs_struct` and `struct user_fpxregs_struct`, arch/x86/include/asm/user_32.h
 */
import { SystemCallFailed } from "./errno.js";
import type { Program } from "./gate.js";
import type { Stub } from "./stub-session.js";
import { signalSet } from "./signals.js";
import { sleep } from "./sleep.js";

const REQUEST = {
  getRegisters: 12,
  setRegisters: 13,
  detach: 17,
  getFpx: 18,
  setFpx: 19,
  getThreadArea: 25,
  seize: 0x4206,
  interrupt: 0x4207,
  peekSignals: 0x4209,
  getSignalMask: 0x420a,
  setSignalMask: 0x420b,
  getSeccompFilter: 0x420c,
  getSeccompMetadata: 0x420d,
  getRseq: 0x420f,
} as const;

const WALL = 0x40000000;
/** The signal by which a traced task can be told to stop. */
export const SIGTRAP = 5;
/** PTRACE_EVENT_STOP, in the third byte of a status. */
export const EVENT_STOP = 128;
/** How long `runBriefly` lets a task run, in ns. */
const MOMENT_NS = 20_000;

/** Size of `user_fpxregs_struct`, in bytes. */
export const FPX_BYTES = 512;

/** Registers of a stopped task, in the order of [user]. */
export const REGISTER_NAMES = [
  "ebx",
  "ecx",
  "edx",
  "esi",
  "edi",
  "ebp",
  "eax",
  "ds",
  "es",
  "fs",
  "gs",
  "origEax",
  "eip",
  "cs",
  "eflags",
  "esp",
  "ss",
] as const;

/** Registers of a stopped task, each as a signed 32-bit number. */
export type Registers = Readonly<Record<(typeof REGISTER_NAMES)[number], number>>;

/** What becomes of a stopped task if the stub that stopped it ends. */
export type IfLost = "goes-on" | "is-killed";

const OPTION_EXITKILL = 0x100000;
/** Filters of system calls do not hold for what is done in the task from outside. */
const OPTION_SUSPEND_SECCOMP = 0x200000;

/**
 * Attaches to a task and stops it.
 *
 * @returns the signal that had stopped it before, or null if it was running
 */
export function* stopTask(stub: Stub, tid: number, ifLost: IfLost): Program<number | null> {
  const options = OPTION_SUSPEND_SECCOMP | (ifLost === "is-killed" ? OPTION_EXITKILL : 0);
  yield* stub.call("ptrace", REQUEST.seize, tid, 0, options);
  yield* interrupt(stub, tid);
  return yield* awaitInterruption(stub, tid);
}

/**
 * Lets a stopped task go on for a moment and stops it again; it takes the signals that come meanwhile.
 *
 * @returns the signal that has stopped it meanwhile, or null
 */
export function* runBriefly(stub: Stub, tid: number): Program<number | null> {
  yield* resume(stub, tid, "freely");
  yield* sleep(stub, MOMENT_NS);
  yield* interrupt(stub, tid);
  return yield* awaitInterruption(stub, tid);
}

/** Lets a stopped task go on, with the signal if one is given. */
export function* letGo(stub: Stub, tid: number, signal = 0): Program<void> {
  yield* stub.call("ptrace", REQUEST.detach, tid, 0, signal);
}

/**
 * Waits for the stop that was asked for; a signal that stops the task on its way there is passed on to it.
 *
 * @returns the signal by which its process is stopped, or null if it is not
 */
function* awaitInterruption(stub: Stub, tid: number): Program<number | null> {
  for (;;) {
    const status = yield* awaitStop(stub, tid);
    const signal = (status >> 8) & 0xff;
    if (status >> 16 === EVENT_STOP) return signal === SIGTRAP ? null : signal;
    yield* resume(stub, tid, "freely", signal);
  }
}

/** How far a stopped task is to go on: as long as nothing stops it, to the next end of a system call, or there and to its beginning. */
const RESUME = { freely: 7, toCallEnd: 9, toCall: 24 } as const;

/** Lets a stopped task go on, with the signal if one is given, without giving it up. */
export function* resume(
  stub: Stub,
  tid: number,
  how: keyof typeof RESUME,
  signal = 0,
): Program<void> {
  yield* stub.call("ptrace", RESUME[how], tid, 0, signal);
}

/** Asks a task that goes on to stop, wherever it is. */
export function* interrupt(stub: Stub, tid: number): Program<void> {
  yield* stub.call("ptrace", REQUEST.interrupt, tid, 0, 0);
}

/**
 * Waits until a task stands still.
 *
 * @returns its status, as of [wait(2)]
 */
export function* awaitStop(stub: Stub, tid: number): Program<number> {
  yield* stub.call("wait4", tid, stub.out, WALL, 0);
  const status = stub.view(4).getInt32(0, true);
  if ((status & 0xff) !== 0x7f) throw new Error(`the task ${tid} ended while it was to be stopped`);
  return status;
}

const WNOHANG = 1;
/** How often, and each time how long in ns, a task is given to come to its stop. */
const MOST_WAITS = 100;
const WAIT_NS = 1_000_000;

/**
 * Sees to it that a traced task stands still: work on it may have failed while it went on. One that has ended is
 * left to whoever asks for it next.
 */
export function* makeStill(stub: Stub, tid: number): Program<void> {
  const refused = yield* stub.attempt("ptrace", REQUEST.getSignalMask, tid, 8, stub.out);
  if (refused >= 0) return;
  yield* stub.attempt("ptrace", REQUEST.interrupt, tid, 0, 0);
  for (let wait = 0; wait < MOST_WAITS; wait++) {
    if ((yield* stub.attempt("wait4", tid, stub.out, WALL | WNOHANG, 0)) !== 0) return;
    yield* sleep(stub, WAIT_NS);
  }
}

/** Reads the registers of a stopped task. */
export function* getRegisters(stub: Stub, tid: number): Program<Registers> {
  yield* stub.call("ptrace", REQUEST.getRegisters, tid, 0, stub.out);
  const view = stub.view(4 * REGISTER_NAMES.length);
  const values = REGISTER_NAMES.map((name, index) => [name, view.getInt32(4 * index, true)]);
  // The entries have just these names.
  return Object.fromEntries(values) as Registers;
}

/** Sets the registers of a stopped task. */
export function* setRegisters(stub: Stub, tid: number, registers: Registers): Program<void> {
  const values = Int32Array.from(REGISTER_NAMES, (name) => registers[name]);
  yield* stub.call("ptrace", REQUEST.setRegisters, tid, 0, new Uint8Array(values.buffer));
}

/** x87 and SSE registers of a stopped task, as `fxsave` stores them. */
export function* getFpx(stub: Stub, tid: number): Program<Uint8Array> {
  yield* stub.call("ptrace", REQUEST.getFpx, tid, 0, stub.out);
  return stub.results(FPX_BYTES);
}

/** Sets what `getFpx` reads. */
export function* setFpx(stub: Stub, tid: number, fpx: Uint8Array): Program<void> {
  yield* stub.call("ptrace", REQUEST.setFpx, tid, 0, fpx);
}

/** The signals that a stopped task has blocked, as a set of 8 bytes. */
export function* getSignalMask(stub: Stub, tid: number): Program<Uint8Array> {
  yield* stub.call("ptrace", REQUEST.getSignalMask, tid, 8, stub.out);
  return stub.results(8);
}

/** Blocks just these signals in a stopped task. */
export function* setSignalMask(stub: Stub, tid: number, mask: Uint8Array): Program<void> {
  yield* stub.call("ptrace", REQUEST.setSignalMask, tid, 8, mask);
}

/** Number of the first entry of the descriptor table that belongs to a thread, and how many there are. */
const FIRST_TLS_ENTRY = 6;
const TLS_ENTRIES = 3;

/** The segments of a stopped thread's own memory that are in use, each a `struct user_desc` of 16 bytes. */
export function* getThreadAreas(stub: Stub, tid: number): Program<Uint8Array[]> {
  const areas: Uint8Array[] = [];
  for (let entry = FIRST_TLS_ENTRY; entry < FIRST_TLS_ENTRY + TLS_ENTRIES; entry++) {
    yield* stub.call("ptrace", REQUEST.getThreadArea, tid, entry, stub.out);
    const area = stub.results(16);
    // Base and limit of an unused entry are zero.
    if (area.subarray(4, 12).some((byte) => byte !== 0)) areas.push(area);
  }
  return areas;
}

/** Size of `siginfo_t`, in bytes. */
export const SIGINFO_BYTES = 128;
/** As many signals as are peeked at by one call. */
const MOST_PEEKED = 256;
/** More are not read; the guest is not trusted to have an end. */
const MOST_PENDING = 65_536;

/** The number of a signal, from its `siginfo_t`. */
export function signalOf(info: Uint8Array): number {
  return new DataView(info.buffer, info.byteOffset).getInt32(0, true);
}

/**
 * Signals that wait for a stopped task, each a `siginfo_t`, in their order.
 *
 * @param shared those sent to the process, else those to this thread
 * @throws {RangeError} if there are more than MOST_PENDING
 */
export function* peekSignals(stub: Stub, tid: number, shared: boolean): Program<Uint8Array[]> {
  const signals: Uint8Array[] = [];
  const args = new DataView(new ArrayBuffer(16));
  args.setUint32(8, shared ? 1 : 0, true);
  args.setInt32(12, MOST_PEEKED, true);
  for (;;) {
    args.setBigUint64(0, BigInt(signals.length), true);
    const request = new Uint8Array(args.buffer.slice(0));
    const count = yield* stub.call("ptrace", REQUEST.peekSignals, tid, request, stub.out);
    const all = stub.results(count * SIGINFO_BYTES);
    for (let at = 0; at < all.length; at += SIGINFO_BYTES) {
      signals.push(all.slice(at, at + SIGINFO_BYTES));
    }
    if (count < MOST_PEEKED) return signals;
    if (signals.length >= MOST_PENDING) {
      throw new RangeError(`more than ${MOST_PENDING} signals wait for the task ${tid}`);
    }
  }
}

/** A restartable-sequences area that a thread has registered; see [rseq(2)]. */
export interface RseqArea {
  readonly address: number;
  readonly bytes: number;
  readonly signature: number;
}

/** The area that a stopped thread has registered, null if it has none, or "untold": kernels before 5.13 do not tell. */
export function* getRseq(stub: Stub, tid: number): Program<RseqArea | null | "untold"> {
  // struct ptrace_rseq_configuration: u64 pointer, u32 size, u32 signature, u32 flags, padding.
  const length = yield* stub.attempt("ptrace", REQUEST.getRseq, tid, 24, stub.out);
  if (length < 16) return "untold";
  const view = stub.view(16);
  const address = view.getUint32(0, true);
  return address === 0
    ? null
    : { address, bytes: view.getUint32(8, true), signature: view.getUint32(12, true) };
}

const ENOENT = 2;
const SECCOMP_FILTER_FLAG_LOG = 2;
const BPF_INSTRUCTION_BYTES = 8;

/** A filter of a stopped task's system calls: instructions of 8 bytes; null if it has not that many. */
export function* getSeccompFilter(
  stub: Stub,
  tid: number,
  index: number,
): Program<{ program: Uint8Array; log: boolean } | null> {
  const count = yield* stub.attempt("ptrace", REQUEST.getSeccompFilter, tid, index, stub.out);
  if (count === -ENOENT) return null;
  // Whoever took another failure for the end of the list would let the task go on without its filters.
  if (count < 0) {
    throw new SystemCallFailed(`ptrace(PTRACE_SECCOMP_GET_FILTER, ${tid}, ${index})`, -count);
  }
  const program = stub.results(count * BPF_INSTRUCTION_BYTES);
  // struct seccomp_metadata: u64 number of the filter, u64 flags.
  const metadata = new Uint8Array(BigUint64Array.of(BigInt(index), 0n).buffer);
  stub.memory.write(stub.out, metadata);
  yield* stub.call("ptrace", REQUEST.getSeccompMetadata, tid, 16, stub.out);
  const flags = stub.view(16).getUint32(8, true);
  return { program, log: (flags & SECCOMP_FILTER_FLAG_LOG) !== 0 };
}

/** Blocks all signals of a stopped task, and tells which were blocked before. */
export function* blockSignals(stub: Stub, tid: number): Program<Uint8Array> {
  const before = yield* getSignalMask(stub, tid);
  yield* setSignalMask(stub, tid, signalSet("all"));
  return before;
}
