import type { V86, V86Options } from "v86";
import { addSpell, type Spell } from "../clock/spell.js";
import { after, NS_PER_MS, type VirtualMs, virtualMs } from "../clock/virtual-time.js";
import { createOverlayDisk, type OverlayDisk } from "../storage/overlay-disk.js";
import type { SparsePages } from "../storage/pages.js";
import type { MachineConfig } from "./config.js";
import { createDiskQueue, type DiskService } from "./disk-queue.js";
import { MachineDied, MachineError } from "./errors.js";
import type { InputLog, MachineInput } from "./input-log.js";
import { checkLinuxImage, type LinuxImage } from "./linux-boot.js";
import { checkFits, type MachineState } from "./machine-state.js";
import { giveAway } from "./remote.js";
import type { MakeResident, Resident } from "./resident.js";
import { createOutputLog, type Output, type SerialInput } from "./serial-line.js";
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

/** How far a machine may run. */
export interface RunRequest {
  /** Moment of the machine's clock at which to pause: exactly then while the guest halts, else at most one turn later. */
  readonly until: VirtualMs;
  /** Processor time that the guest may use, in ms; it pauses at most one turn after that. */
  readonly busyMs?: number;
}

/** Bit of control register 4: page-table entries have 8 bytes. */
const CR4_PAE = 0x20;

/** What happened while a machine ran. */
export interface RunResult {
  readonly now: VirtualMs;
  /** Processor time used, in ms. */
  readonly busyMs: number;
  /** Whether the guest was halted at the end, waiting for an interrupt. */
  readonly halted: boolean;
  readonly output: readonly Output[];
  /** When the guest reset the machine. */
  readonly resets: readonly VirtualMs[];
  /** The spells in which the guest halted. */
  readonly idle: readonly Spell[];
  /** The spells in which the guest waited for a disk, or could have; none without a disk service. */
  readonly diskBusy: readonly Spell[];
}

/** A device with a coarser clock than ours says that it is due now until its own clock has moved on: look again after this, in ms. */
const SHORTEST_SLEEP_MS = 0.01;

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
  let on: { parts: PcParts; emulator: Emulator; disks: OverlayDisk[] } | null = null;
  let resident: Resident | null = null;
  let diedOf: MachineDied | null = null;

  const pending: SerialInput[] = [];
  const withheldAtReset = new Set<number>();
  let log: MachineInput[] = [];
  const output = createOutputLog();
  let resets: VirtualMs[] = [];
  /** While the guest halts: the moment at which a device will wake it. */
  let wakeAt: VirtualMs | null = null;
  let spare: Uint8Array<ArrayBuffer> | null = null;
  const diskQueue = createDiskQueue();
  let idle: Spell[] = [];

  function machine() {
    if (diedOf !== null) throw diedOf;
    if (on === null) throw new MachineError("The machine is switched off.");
    return on;
  }

  function disk(index: number): OverlayDisk {
    const { disks, parts } = machine();
    const found = disks[index];
    if (found === undefined) {
      throw new MachineError(`The machine "${parts.name}" has no disk ${index}.`);
    }
    return found;
  }

  async function powerOn(parts: PcParts): Promise<void> {
    const { config } = parts;
    if (parts.linux !== null) checkLinuxImage(parts.linux, config.memoryBytes);
    const disks = config.disks.map(({ name, bytes }, index) => {
      const base = parts.diskBases[index];
      if (base?.length !== bytes) {
        throw new MachineError(
          `The base image of disk "${name}" has ${base?.length ?? 0} bytes, not ${bytes}.`,
        );
      }
      return createOverlayDisk({ name, base });
    });
    const emulator = await openEmulator(
      {
        ...parts,
        ...config,
        load,
        disks,
        serveDisk(bytes, done) {
          diskQueue.add(bytes, emulator.clock.now(), done);
        },
      },
      {
        serialByte(line, byte) {
          output.add(line, byte, emulator.clock.now());
        },
        reset() {
          wakeAt = null;
          diskQueue.finish(emulator.clock.now());
          resets.push(emulator.clock.now());
          for (const index of withheldAtReset) disk(index).withhold();
          resident?.forget();
        },
        trap() {
          resident?.trap();
        },
      },
    );
    on = { parts, emulator, disks };
    resident =
      makeResident?.({
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
      }) ?? null;
  }

  /** Hands over what is due, and says when the next input is. */
  function deliver(now: VirtualMs): number {
    const { emulator } = machine();
    for (let next = pending[0]; next !== undefined; next = pending[0]) {
      if (next.atMs > now) return next.atMs;
      pending.shift();
      if (next.ifRead && emulator.hasUnread(next.line)) continue;
      log.push({ kind: "serial", atMs: now, line: next.line, bytes: next.bytes });
      emulator.receive(next.line, next.bytes);
      wakeAt = null;
    }
    return Infinity;
  }

  /** One turn of the guest, and the microtask in which v86 takes newly compiled code into use. */
  async function turn(): Promise<void> {
    const { parts, emulator } = machine();
    try {
      const result = emulator.turn();
      await Promise.resolve();
      // Rounded up, so that the device is due when the guest is woken for it.
      const sleepMs = result.halted ? Math.ceil(result.wakeInMs * NS_PER_MS) / NS_PER_MS : 0;
      wakeAt = result.halted
        ? after(emulator.clock.now(), Math.max(sleepMs, SHORTEST_SLEEP_MS))
        : null;
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      diedOf = new MachineDied(parts.name, reason, emulator.clock.now(), { cause });
      throw diedOf;
    }
  }

  async function run({ until, busyMs = Infinity }: RunRequest): Promise<RunResult> {
    const { clock } = machine().emulator;
    const busyAtStart = clock.busyMs();
    for (let now = clock.now(); now < until; now = clock.now()) {
      if (clock.busyMs() - busyAtStart >= busyMs) break;
      const nextInput = deliver(now);
      if (diskQueue.advance(now)) wakeAt = null;
      if (wakeAt !== null && now < wakeAt) {
        const to = virtualMs(Math.min(wakeAt, until, nextInput, diskQueue.dueAt()));
        clock.skipTo(to);
        addSpell(idle, { from: now, to });
      } else {
        await turn();
      }
    }
    return report(busyAtStart);
  }

  function report(busyAtStart: number): RunResult {
    const { clock } = machine().emulator;
    const result = {
      now: clock.now(),
      busyMs: clock.busyMs() - busyAtStart,
      halted: wakeAt !== null,
      output: output.take(),
      resets,
      idle,
      diskBusy: diskQueue.takeBusy(clock.now()),
    };
    resets = [];
    idle = [];
    return result;
  }

  return {
    powerOn,
    run,

    /** Lets the guest run one turn, or wakes it if it halts, and reports. */
    async step(): Promise<RunResult> {
      const { clock } = machine().emulator;
      const busyAtStart = clock.busyMs();
      deliver(clock.now());
      if (wakeAt !== null) clock.skipTo(wakeAt);
      await turn();
      return report(busyAtStart);
    },

    /** Lets time pass without the guest running, as when the host is busy with something else. */
    stall(until: VirtualMs): void {
      const { clock } = machine().emulator;
      const now = clock.now();
      if (until <= now) return;
      log.push({ kind: "stall", atMs: now, untilMs: until });
      clock.skipTo(until);
    },

    /** Schedules bytes for a serial line; they arrive at `atMs`, or at once if that is past. */
    send(input: SerialInput): void {
      machine();
      const index = pending.findIndex(({ atMs }) => atMs > input.atMs);
      pending.splice(index < 0 ? pending.length : index, 0, input);
    },

    /** From now on the guest waits for its disks as the service says; null for not at all, as at first. */
    serveDisk(service: DiskService | null): void {
      const now = machine().emulator.clock.now();
      log.push({ kind: "serve-disk", atMs: now, service });
      if (diskQueue.serve(service, now)) wakeAt = null;
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
      const { emulator, disks, parts } = machine();
      const withheld = disks.find(({ isWithheld }) => isWithheld);
      if (withheld !== undefined) {
        throw new MachineError(
          `The disk "${withheld.name}" of "${parts.name}" is withheld: attach it before a capture.`,
        );
      }
      const ram = spare ?? new Uint8Array(parts.config.memoryBytes);
      spare = null;
      // A request under way is no part of a state.
      if (diskQueue.finish(emulator.clock.now())) wakeAt = null;
      ram.set(emulator.ram());
      const state: MachineState = {
        clock: emulator.clock.now(),
        randomState: emulator.random.state,
        devices: await emulator.saveDevices(),
        ram,
        disks: disks.map((each) => each.diff()),
      };
      return giveAway(state, [ram.buffer]);
    },

    /**
     * Goes on from a state that was captured in a machine of the same configuration. Input that was
     * scheduled, the log and what was withheld are dropped. If the state is refused, nothing has changed.
     */
    async restore(state: MachineState): Promise<void> {
      const { emulator, parts } = machine();
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
      for (const [index, overlay] of state.disks.entries()) disk(index).attach(overlay);
      withheldAtReset.clear();
      resident?.forget();
      pending.length = 0;
      diskQueue.forget();
      log = [];
      wakeAt = null;
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
      return disk(index).diff();
    },

    /** From now on the disk reads as zeros and forgets what is written to it. */
    withholdDisk(index: number): void {
      disk(index).withhold();
      log.push({ kind: "withhold-disk", atMs: machine().emulator.clock.now(), disk: index });
    },

    /** Withholds the disk whenever the guest resets, before the firmware looks at it. */
    withholdDiskAtReset(index: number): void {
      disk(index);
      withheldAtReset.add(index);
      const atMs = machine().emulator.clock.now();
      log.push({ kind: "withhold-disk-at-reset", atMs, disk: index });
    },

    /** Gives a withheld disk back to the guest, with this overlay. */
    attachDisk(index: number, overlay: SparsePages): void {
      disk(index).attach(overlay);
      withheldAtReset.delete(index);
      const atMs = machine().emulator.clock.now();
      log.push({ kind: "attach-disk", atMs, disk: index, overlay });
    },

    inputs: (): InputLog => log,
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
