/**
 * All that the project knows of v86's inside, with `v86-wasm.ts`. Everything else talks to `Emulator`.
 *
 * References:
 * - [v86.d.ts] the public options: `wasm_fn`, `save_state`, `restore_state`, `write_memory`
 * - [cpu] https://github.com/copy/v86/blob/master/src/cpu.js: `reboot_internal`, `get_state`
 */
import type { V86, V86Options } from "v86";
import type { MachineClock } from "../clock/machine-clock.js";
import { createRandom, type Random } from "../clock/random.js";
import { asV86Disk, type OverlayDisk } from "../storage/overlay-disk.js";
import { type Forgotten, packDevices, unpackDevices } from "./device-state.js";
import { MachineError } from "./errors.js";
import { type LinuxImage, placeLinux } from "./linux-boot.js";
import { createV86Wasm, LAYOUT, type Turn, type V86Wasm } from "./v86-wasm.js";

/** Serial lines that a machine has: COM1 and COM2. */
export const SERIAL_LINES = 2;

const VGA_MEMORY_BYTES = 1 << 20;

/** What an emulator is made of. */
export interface EmulatorParts {
  /** Imports v86. It is called when the worker's clock and randomness are already ours. */
  readonly load: () => Promise<{ readonly V86: new (options: V86Options) => V86 }>;
  readonly wasm: WebAssembly.Module;
  readonly memoryBytes: number;
  readonly bios: Uint8Array;
  readonly vgaBios: Uint8Array;
  /** Kernel put into RAM at every start; without it the machine boots from its first disk. */
  readonly linux: LinuxImage | null;
  readonly disks: readonly OverlayDisk[];
  /** Is told of each request to a disk, and calls `done` when the guest may know that it has ended. */
  readonly serveDisk?: (bytes: number, done: () => void) => void;
  readonly nsPerInstruction: number;
  readonly seed: number;
  readonly epochMs: number;
}

/** What the emulator tells while it runs. */
export interface EmulatorListener {
  serialByte(line: number, byte: number): void;
  /** The guest resets: called before the firmware starts again. */
  reset(): void;
  /** The guest has written to the trap port; it goes on with the registers that are left to it. */
  trap(): void;
}

/** One v86, driven from outside: nothing happens in it but inside a call. */
export interface Emulator {
  readonly clock: MachineClock;
  readonly random: Random;
  /**
   * Lets the guest run for INSTRUCTIONS_PER_TURN or until it halts.
   *
   * @throws {Error} when the emulator panics; it is of no use after that
   */
  turn(): Turn;
  receive(line: number, bytes: Uint8Array): void;
  /** Whether the guest has not yet read all that it received on a serial line. */
  hasUnread(line: number): boolean;
  reset(): void;
  /** Text of the VGA screen, a string a row. */
  screen(): string[];
  /** General registers, live: eax, ecx, edx, ebx, esp, ebp, esi, edi. Of use only during a trap. */
  registers(): Int32Array;
  /** A control register, by its number. */
  controlRegister(number: 0 | 2 | 3 | 4): number;
  /** Guest RAM. The view is good until the next call of anything here. */
  ram(): Uint8Array;
  /** Tells the emulator that code at an address may have changed, and stores the bytes there. */
  write(bytes: Uint8Array, address: number): void;
  /** State of CPU and devices, without RAM and disks. */
  saveDevices(): Promise<Uint8Array>;
  /**
   * Puts back what `saveDevices` gave, and drops all compiled code.
   *
   * @throws {Error} if it is no such state; the old state is kept then
   */
  restoreDevices(state: Uint8Array): Promise<void>;
  /** v86's own snapshot, RAM included: for comparison. */
  saveWhole(): Promise<ArrayBuffer>;
}

/** The part of v86 that is not in its public types, as of the version that package.json pins. */
export interface V86Internals {
  readonly v86: {
    readonly cpu: {
      reboot_internal(): void;
      readonly devices: Readonly<Record<`uart${number}`, { input: number[]; lsr: number }>>;
    };
  };
  readonly screen_adapter: { get_text_screen(): string[] };
}

/**
 * Switches a machine on.
 *
 * It takes the worker's `performance.now`, `Date.now`, `Math.random` and `WebAssembly.instantiate`
 * over for good: there can be one emulator a worker.
 */
export async function openEmulator(
  parts: EmulatorParts,
  listener: EmulatorListener,
): Promise<Emulator> {
  const random = createRandom(parts.seed);
  const wasm = createV86Wasm({
    ...parts,
    random,
    trap: () => {
      listener.trap();
    },
  });
  const { clock } = wasm;
  takeOverGlobals(clock, random, parts.epochMs);
  const v86 = await constructV86(parts, wasm);
  // The cast names the internals that are used; a test holds them against the pinned version.
  const inside = v86 as unknown as V86Internals;
  const { cpu } = inside.v86;
  for (let line = 0; line < SERIAL_LINES; line++) {
    v86.add_listener(serialOutput(line), (byte) => {
      listener.serialByte(line, byte);
    });
  }

  const reboot = cpu.reboot_internal.bind(cpu);
  cpu.reboot_internal = () => {
    listener.reset();
    clock.acrossCounterReset(reboot);
    if (parts.linux !== null) {
      placeLinux(parts.linux, (bytes, address) => {
        v86.write_memory(bytes, address);
      });
    }
  };

  const uart = (line: number): { input: number[] } => {
    const device = cpu.devices[`uart${line}`];
    if (device === undefined) throw new MachineError(`v86 has no serial line ${line}`);
    return device;
  };

  /** What v86's save_state forgets or, once restored, no longer reads from the CPU. */
  function saveForgotten(): Forgotten {
    const state = wasm.view();
    const input: number[][] = [];
    for (let line = 0; line < SERIAL_LINES; line++) input.push([...uart(line).input]);
    return {
      lastResult: state.getInt32(LAYOUT.lastResult, true),
      mxcsr: state.getInt32(LAYOUT.mxcsr, true),
      fpuStatusWord: state.getUint16(LAYOUT.fpuStatusWord, true),
      input,
    };
  }

  function restoreForgotten(forgotten: Forgotten): void {
    const state = wasm.view();
    state.setInt32(LAYOUT.lastResult, forgotten.lastResult, true);
    state.setInt32(LAYOUT.mxcsr, forgotten.mxcsr, true);
    state.setUint16(LAYOUT.fpuStatusWord, forgotten.fpuStatusWord, true);
    for (const [line, input] of forgotten.input.entries()) uart(line).input = [...input];
  }

  function saveDevices(): Promise<Uint8Array> {
    return wasm.withoutRam(async () =>
      packDevices(saveForgotten(), new Uint8Array(await v86.save_state())),
    );
  }

  async function putDevices(state: Uint8Array): Promise<void> {
    const { forgotten, emulator } = unpackDevices(state);
    await wasm.withoutRam(() => v86.restore_state(copyOf(emulator)));
    restoreForgotten(forgotten);
  }

  return {
    clock,
    random,
    turn: () => wasm.turn(),
    receive(line, bytes) {
      v86.serial_send_bytes(line, bytes);
    },
    hasUnread: (line) => uart(line).input.length > 0,
    reset() {
      cpu.reboot_internal();
    },
    screen: () => inside.screen_adapter.get_text_screen(),
    registers: () => new Int32Array(wasm.view().buffer, LAYOUT.registers, 8),
    controlRegister: (number) => wasm.view().getInt32(LAYOUT.controlRegisters + 4 * number, true),
    ram: () => wasm.ram(),
    write(bytes, address) {
      v86.write_memory(bytes, address);
    },
    saveDevices,
    async restoreDevices(state) {
      const old = await saveDevices();
      try {
        await putDevices(state);
      } catch (error) {
        await putDevices(old);
        throw error;
      }
    },
    saveWhole: () => v86.save_state(),
  };
}

/** Makes everything that v86 could ask for the time or for luck answer from the machine's own. */
function takeOverGlobals(clock: MachineClock, random: Random, epochMs: number): void {
  Object.defineProperty(globalThis, "performance", { value: { now: () => clock.now() } });
  Date.now = () => epochMs + Math.floor(clock.now());
  Math.random = () => (random.nextInt() >>> 0) / 2 ** 32;
  // v86 compiles in the background and swaps the code in when that is done. Compiled at once, the
  // code is swapped in at the next microtask: always at the same point of the guest.
  const compile = (code: BufferSource, imports?: WebAssembly.Imports): unknown => {
    const module = new WebAssembly.Module(code);
    return Promise.resolve({ module, instance: new WebAssembly.Instance(module, imports) });
  };
  // v86 passes only bytes; the other overload is of no use to it.
  WebAssembly.instantiate = compile as typeof WebAssembly.instantiate;
}

async function constructV86(parts: EmulatorParts, wasm: V86Wasm): Promise<V86> {
  const { V86 } = await parts.load();
  const [hda, hdb] = parts.disks.map((disk) => asV86Disk(disk, parts.serveDisk));
  const options = {
    wasm_fn: (imports: WebAssembly.Imports) => Promise.resolve(wasm.instantiate(imports)),
    memory_size: parts.memoryBytes,
    vga_memory_size: VGA_MEMORY_BYTES,
    bios: { buffer: copyOf(parts.bios) },
    vga_bios: { buffer: copyOf(parts.vgaBios) },
    ...(parts.linux !== null && {
      bzimage: { buffer: copyOf(parts.linux.kernel) },
      initrd: { buffer: copyOf(parts.linux.initrd) },
      cmdline: parts.linux.commandLine,
    }),
    ...(hda !== undefined && { hda }),
    ...(hdb !== undefined && { hdb }),
    uart1: true,
    net_device: { type: "none" },
    disable_keyboard: true,
    disable_mouse: true,
    disable_speaker: true,
    autostart: false,
  };
  // The public types know neither disks that are objects nor a machine without a network card.
  const v86 = new V86(options as unknown as V86Options);
  await new Promise<void>((resolve) => {
    v86.add_listener("emulator-loaded", () => {
      resolve();
    });
  });
  return v86;
}

/** v86 keeps, and writes to, the buffers that it is given. */
function copyOf(bytes: Uint8Array): ArrayBuffer {
  return Uint8Array.from(bytes).buffer;
}

function serialOutput(line: number): "serial0-output-byte" | "serial1-output-byte" {
  return line === 0 ? "serial0-output-byte" : "serial1-output-byte";
}
