import type { V86, V86Options } from "v86";
import type { VirtualMs } from "../clock/virtual-time.js";
import type { SparsePages } from "../storage/pages.js";
import type { MachineConfig } from "./config.js";
import { createDiskBay, type DiskBay } from "./disk-bay.js";
import { createDiskQueue, type DiskService } from "./disk-queue.js";
import { MachineError } from "./errors.js";
import type { InputLog, MachineInput } from "./input-log.js";
import { checkLinuxImage, type LinuxImage } from "./linux-boot.js";
import { checkFits, type MachineState } from "./machine-state.js";
import { giveAway } from "./remote.js";
import type { GuestAccess, MakeResident, Resident } from "./resident.js";
import { createRunLoop, type RunLoop, type RunRequest, type RunResult } from "./run-loop.js";
import type { SerialInput } from "./serial-line.js";
import { type Emulator, openEmulator } from "./v86.js";

/** What a machine is made of, by content. */
export interface PcParts {
  readonly name: string;
  readonly config: MachineConfig;
  readonly wasm: WebAssembly.Module;
  readonly bios: Uint8Array;
  readonly vgaBios: Uint8Array;
  readonly linux: LinuxImage | null;
  /** Base images in the order of `config.disks`; shared between machines where the buffer is. */
  readonly diskBases: readonly Uint8Array[];
}

/** Bit of control register 4: page-table entries have 8 bytes. */
const CR4_PAE = 0x20;

/**
 * One emulated PC, in the thread that calls. It does nothing by itself: time passes only in `run` and
 * `step`. All functions but `powerOn` need a machine that is on.
 */
export type Pc = ReturnType<typeof createPc>;

/**
 * Makes a PC that is switched off.
 *
 * @param load imports v86; called once, after the globals that v86 binds have been replaced
 * @param makeResident makes what answers a guest's writes to the trap port; without it nothing does
 */
export function createPc(
  load: () => Promise<{ readonly V86: new (options: V86Options) => V86 }>,
  makeResident?: MakeResident,
) {
  let on: { parts: PcParts; emulator: Emulator; disks: DiskBay; loop: RunLoop } | null = null;
  let resident: Resident | null = null;
  let log: MachineInput[] = [];
  let spare: Uint8Array<ArrayBuffer> | null = null;
  const diskQueue = createDiskQueue();

  function machine() {
    if (on === null) throw new MachineError("The machine is switched off.");
    const death = on.loop.death();
    if (death !== null) throw death;
    return on;
  }

  async function powerOn(parts: PcParts): Promise<void> {
    const { config } = parts;
    if (parts.linux !== null) checkLinuxImage(parts.linux, config.memoryBytes);
    const disks = createDiskBay(parts.name, config.disks, parts.diskBases);
    const loop = createRunLoop(
      parts.name,
      () => emulator,
      diskQueue,
      (input) => log.push(input),
    );
    const emulator = await openEmulator(
      {
        ...parts,
        ...config,
        load,
        disks: disks.disks,
        serveDisk(bytes, done) {
          diskQueue.add(bytes, emulator.clock.now(), done);
        },
      },
      {
        serialByte(line, byte) {
          loop.heard(line, byte);
        },
        reset() {
          loop.reset();
          disks.reset();
          resident?.forget();
        },
        trap() {
          resident?.trap();
        },
      },
    );
    on = { parts, emulator, disks, loop };
    resident = makeResident?.(accessTo(emulator)) ?? null;
  }

  return {
    powerOn,

    /** Lets the guest run. */
    run: async (request: RunRequest): Promise<RunResult> => machine().loop.run(request),

    /** Lets the guest run one turn, or wakes it if it halts, and reports. */
    step: async (): Promise<RunResult> => machine().loop.step(),

    /** Lets time pass without the guest running, as when the host is busy with something else. */
    stall(until: VirtualMs): void {
      machine().loop.stall(until);
    },

    /** Schedules bytes for a serial line; they arrive at `atMs`, or at once if that is past. */
    send(input: SerialInput): void {
      machine().loop.send(input);
    },

    /** From now on the guest waits for its disks as the service says; null for not at all, as at first. */
    serveDisk(service: DiskService | null): void {
      const { emulator, loop } = machine();
      const now = emulator.clock.now();
      log.push({ kind: "serve-disk", atMs: now, service });
      if (diskQueue.serve(service, now)) loop.wake();
    },

    reset(): void {
      const { emulator } = machine();
      log.push({ kind: "reset", atMs: emulator.clock.now() });
      emulator.reset();
    },

    screen: (): string[] => machine().emulator.screen(),

    readMemory(address: number, length: number): Uint8Array {
      const ram = machine().emulator.ram();
      checkRange(address, length, ram.length);
      return ram.slice(address, address + length);
    },

    writeMemory(address: number, bytes: Uint8Array): void {
      const { emulator, parts } = machine();
      checkRange(address, bytes.length, parts.config.memoryBytes);
      log.push({ kind: "write-memory", atMs: emulator.clock.now(), address, bytes });
      emulator.write(bytes, address);
    },

    /** SHA-256 of RAM, hexadecimal. */
    async memorySha256(): Promise<string> {
      const hash = await crypto.subtle.digest("SHA-256", machine().emulator.ram().slice());
      return Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, "0")).join(
        "",
      );
    },

    /** Makes room for the next `capture`, so that it need not wait for the operating system's pages. */
    prepareCapture(): void {
      spare ??= new Uint8Array(machine().parts.config.memoryBytes).fill(0xff);
    },

    async capture(): Promise<MachineState> {
      const { emulator, disks, loop, parts } = machine();
      disks.checkAttached();
      const ram = spare ?? new Uint8Array(parts.config.memoryBytes);
      spare = null;
      // A request under way is no part of a state.
      if (diskQueue.finish(emulator.clock.now())) loop.wake();
      ram.set(emulator.ram());
      const state: MachineState = {
        clock: emulator.clock.now(),
        randomState: emulator.random.state,
        devices: await emulator.saveDevices(),
        ram,
        disks: disks.overlays(),
      };
      return giveAway(state, [ram.buffer]);
    },

    /**
     * Goes on from a state that was captured in a machine of the same configuration. Input that was
     * scheduled, the log and what was withheld are dropped. If the state is refused, nothing has changed.
     */
    async restore(state: MachineState): Promise<void> {
      const { emulator, disks, loop, parts } = machine();
      checkFits(state, parts.name, parts.config);
      const clockBefore = emulator.clock.now();
      // Devices hold moments of the clock, so it must be right before they are put back.
      emulator.clock.set(state.clock);
      try {
        await emulator.restoreDevices(state.devices);
      } catch (error) {
        emulator.clock.set(clockBefore);
        throw error;
      }
      emulator.ram().set(state.ram);
      emulator.random.state = state.randomState;
      disks.restore(state.disks);
      resident?.forget();
      loop.forget();
      log = [];
    },

    /**
     * Passes a request on to the machine's resident, and resolves to its answer.
     *
     * @throws {MachineError} if the machine has none
     */
    askResident(request: unknown): unknown {
      const { parts, emulator } = machine();
      if (resident === null) throw new MachineError(`The machine "${parts.name}" has no resident.`);
      log.push({ kind: "ask-resident", atMs: emulator.clock.now(), request });
      return resident.request(request);
    },

    /** v86's own snapshot, for comparison: its size in bytes. */
    async saveWhole(): Promise<number> {
      return (await machine().emulator.saveWhole()).byteLength;
    },

    diskOverlay(index: number): SparsePages {
      return machine().disks.overlay(index);
    },

    /** From now on the disk reads as zeros and forgets what is written to it. */
    withholdDisk(index: number): void {
      const { disks, emulator } = machine();
      disks.withhold(index);
      log.push({ kind: "withhold-disk", atMs: emulator.clock.now(), disk: index });
    },

    /** Withholds the disk whenever the guest resets, before the firmware looks at it. */
    withholdDiskAtReset(index: number): void {
      const { disks, emulator } = machine();
      disks.withholdAtReset(index);
      log.push({ kind: "withhold-disk-at-reset", atMs: emulator.clock.now(), disk: index });
    },

    /** Gives a withheld disk back to the guest, with this overlay. */
    attachDisk(index: number, overlay: SparsePages): void {
      const { disks, emulator } = machine();
      disks.attach(index, overlay);
      log.push({ kind: "attach-disk", atMs: emulator.clock.now(), disk: index, overlay });
    },

    inputs: (): InputLog => log,
  };
}

/** What the resident sees of the guest. */
function accessTo(emulator: Emulator): GuestAccess {
  return {
    now: () => emulator.clock.now(),
    registers: () => emulator.registers(),
    pageTables: () => ({
      root: emulator.controlRegister(3) >>> 0,
      extended: (emulator.controlRegister(4) & CR4_PAE) !== 0,
    }),
    ram: () => emulator.ram(),
    write(bytes, address) {
      emulator.write(bytes, address);
    },
  };
}

function checkRange(address: number, length: number, memoryBytes: number): void {
  const inside =
    Number.isInteger(address) && address >= 0 && length >= 0 && address + length <= memoryBytes;
  if (!inside) {
    throw new MachineError(
      `There is no memory at 0x${address.toString(16)} ... +${length}: RAM ends at 0x${memoryBytes.toString(16)}.`,
    );
  }
}
