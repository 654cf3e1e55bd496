/**
 * The WebAssembly half of v86: its memory, and what it imports and exports, replaced where it asks for time
 * or luck, looks at RAM, or tells the world something.
 *
 * References:
 * - [cpu] https://github.com/copy/v86/blob/master/src/cpu.js: layout of the WebAssembly memory, `get_state`
 * - [loop] https://github.com/copy/v86/blob/master/src/rust/cpu/cpu.rs: `main_loop`, `do_many_cycles_native`
 */
import { createMachineClock, type MachineClock } from "../clock/machine-clock.js";
import type { Random } from "../clock/random.js";
import { MachineError } from "./errors.js";
import { TRAP_PORT } from "./resident.js";

/** Guest instructions between two looks at timers, interrupts and input ([loop], LOOP_COUNTER). */
export const INSTRUCTIONS_PER_TURN = 100_003;

/** Offsets in the WebAssembly memory ([cpu], constructor). */
export const LAYOUT = {
  registers: 64,
  lastResult: 112,
  controlRegisters: 580,
  inHlt: 616,
  instructionCounter: 664,
  mxcsr: 824,
  currentTsc: 960,
  fpuStatusWord: 1040,
} as const;

/** What `main_loop` compares its running time with ([loop], TIME_PER_FRAME), in ms. */
const TIME_PER_FRAME = 1;

/**
 * What it takes the guest to read its time-stamp counter. Compiled code counts its instructions when it is
 * left, so this is all that a loop sees that waits for a time: without it, each such wait would be a whole turn.
 */
const TIME_STAMP_NS = 50;

/** How a turn ended: the guest goes on running, or it halts until `wakeInMs` from now. */
export type Turn =
  { readonly halted: false } | { readonly halted: true; readonly wakeInMs: number };

/** What a half is made of. */
export interface WasmParts {
  readonly wasm: WebAssembly.Module;
  readonly memoryBytes: number;
  readonly nsPerInstruction: number;
  readonly random: Random;
  /** The guest has written to the trap port. */
  trap(): void;
}

/** The WebAssembly half of one v86. */
export interface V86Wasm {
  /** Counts the instructions that the guest retires. */
  readonly clock: MachineClock;
  /** What v86 calls to get its exports for its imports. */
  instantiate(imports: WebAssembly.Imports): WebAssembly.Exports;
  /**
   * Lets the guest run for INSTRUCTIONS_PER_TURN or until it halts.
   *
   * @throws {Error} when the emulator panics; it is of no use after that
   */
  turn(): Turn;
  /** All of its memory, for the offsets of LAYOUT; good until the memory grows. */
  view(): DataView;
  /** Guest RAM in it; good until the memory grows. */
  ram(): Uint8Array;
  /** Does some work during which v86 saves or restores a state that has no RAM in it. */
  withoutRam<T>(work: () => Promise<T>): Promise<T>;
}

/** Makes the half; it is of use once v86 has instantiated it. */
export function createV86Wasm(parts: WasmParts): V86Wasm {
  const { memoryBytes, random } = parts;
  let memory: WebAssembly.Memory | null = null;
  const view = (): DataView => {
    if (memory === null) throw new MachineError("v86 has not made its memory yet");
    return new DataView(memory.buffer);
  };
  // Read too often for a view of its own each time; a view ends when the memory grows.
  let counter = new Uint32Array(0);
  const clock = createMachineClock(() => {
    if (counter.length === 0 && memory !== null) {
      counter = new Uint32Array(memory.buffer, LAYOUT.instructionCounter, 1);
    }
    return counter[0] ?? 0;
  }, parts.nsPerInstruction);

  // Only the first reading in main_loop says when its frame began: dating it back makes the loop
  // return after one turn, so that where a run is cut changes nothing in the guest.
  let frameStarts = false;
  // What the last reading of the time took; who read it is known only by what follows. Outside of a turn
  // it was not the guest.
  let readingNs = 0;
  let inTurn = false;
  // Answering that all memory is zero keeps RAM out of save_state and restore_state.
  let hidesRam = false;
  let ramBase = -1;
  let lastWords = "";
  let mainLoop: () => number = () => 0;

  // The casts in these two state the signatures that [cpu] and [loop] give the imports and exports.
  function replaceImports(env: WebAssembly.ModuleImports): void {
    const runTimers = env.run_hardware_timers as (acpi: number, now: number) => number;
    env.run_hardware_timers = (acpi: number) => {
      // The reading before this was the loop's own.
      readingNs = 0;
      return runTimers(acpi, clock.now());
    };
    env.microtick = () => {
      clock.spend(readingNs);
      readingNs = inTurn && !frameStarts ? TIME_STAMP_NS : 0;
      const now = clock.now();
      if (!frameStarts) return now;
      frameStarts = false;
      return now - 2 * TIME_PER_FRAME;
    };
    const writePort32 = env.io_port_write32 as (port: number, value: number) => void;
    env.io_port_write32 = (port: number, value: number) => {
      if (port === TRAP_PORT) parts.trap();
      else writePort32(port, value);
    };
    env.get_rand_int = () => random.nextInt();
    env.stop_idling = () => undefined;
    env.console_log_from_wasm = (offset: number, length: number) => {
      if (memory !== null) {
        lastWords = new TextDecoder().decode(new Uint8Array(memory.buffer, offset >>> 0, length));
      }
    };
  }

  function replacedExports(exports: WebAssembly.Exports): WebAssembly.Exports {
    const allocate = exports.allocate_memory as (bytes: number) => number;
    const isZeroed = exports.is_memory_zeroed as (address: number, bytes: number) => number;
    const zero = exports.zero_memory as (address: number, bytes: number) => void;
    const storeTsc = exports.store_current_tsc as () => void;
    const setTsc = exports.set_tsc as (low: number, high: number) => void;
    return {
      ...exports,
      allocate_memory: (bytes: number) => (ramBase = allocate(bytes) >>> 0),
      is_memory_zeroed: (address: number, bytes: number) =>
        hidesRam ? 1 : isZeroed(address, bytes),
      zero_memory: (address: number, bytes: number) => {
        if (!hidesRam) zero(address, bytes);
      },
      // v86 is wrong by the offset that the counter has already, which a guest's reset gives it.
      set_tsc: (low: number, high: number) => {
        storeTsc();
        const reading = view().getBigUint64(LAYOUT.currentTsc, true);
        const wanted = (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
        const correction = wanted - reading;
        setTsc(0, 0);
        setTsc(
          Number(BigInt.asUintN(32, correction)),
          Number(BigInt.asUintN(32, correction >> 32n)),
        );
      },
    };
  }

  return {
    clock,
    instantiate(imports) {
      if (imports.env === undefined) throw new MachineError("v86 gave no imports");
      replaceImports(imports.env);
      const { exports } = new WebAssembly.Instance(parts.wasm, imports);
      memory = exports.memory as WebAssembly.Memory;
      mainLoop = exports.main_loop as () => number;
      return replacedExports(exports);
    },
    turn() {
      frameStarts = true;
      inTurn = true;
      lastWords = "";
      let wakeInMs: number;
      try {
        wakeInMs = mainLoop();
      } catch (cause) {
        throw new Error(lastWords === "" ? String(cause) : lastWords.trim(), { cause });
      } finally {
        inTurn = false;
      }
      const isHalted = view().getUint8(LAYOUT.inHlt) !== 0;
      return isHalted ? { halted: true, wakeInMs } : { halted: false };
    },
    view,
    ram: () => new Uint8Array(view().buffer, ramBase, memoryBytes),
    async withoutRam(work) {
      hidesRam = true;
      try {
        return await work();
      } finally {
        hidesRam = false;
      }
    },
  };
}
