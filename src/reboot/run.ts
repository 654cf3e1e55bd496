import { after, type VirtualMs, type WallMs, wallMs } from "../clock/virtual-time.js";
import type { HostConfig } from "../host/config.js";
import { createHost, type Host } from "../host/host.js";
import type { Machine } from "../machine/machine.js";
import type { Selection } from "../process/select.js";
import type { Snapshot } from "../storage/snapshot.js";
import { DoesNotApply } from "./errors.js";
import type { ApplyPlace } from "./apply-update.js";
import { type FileWishes, NO_FILE_WISHES, openFiles, type RunFiles } from "./carry-over.js";
import type { GuestProfile } from "./guest-profile.js";
import { keepOutput } from "./kept-output.js";
import { type Probe, startProbe } from "./probe.js";
import type { BackgroundReboot, ConsoleOutput, MachineRole, Phase, RunEvent } from "./report.js";
import { placeVm, type Vm } from "./vm.js";

/** What a run needs from outside. */
export interface RunOptions {
  readonly guest: GuestProfile;
  /** The running original VM, as it was stored when its boot had ended. */
  readonly bootSnapshot: Snapshot;
  readonly host: HostConfig;
  /** Starts a machine like the one that the snapshot was taken from; the run owns it. */
  readonly startMachine: (name: MachineRole) => Promise<Machine>;
  /** Wall time in ms, from any zero. It is reported and decides nothing. */
  readonly wallNow: () => number;
  readonly observer?: RunObserver;
  /** Where the update is applied: in the original VM, if that is not said. */
  readonly applyIn?: ApplyPlace;
  /** @see Run.keep */
  readonly keep?: readonly Selection[] | null;
  /** @see Run.drop */
  readonly drop?: boolean;
  /** None, if that is not said. */
  readonly fileWishes?: FileWishes;
  /** @see Run.phaseSnapshot */
  readonly phaseSnapshot?: () => Promise<Snapshot>;
}

/** Somebody who watches a run, or interferes with it. */
export interface RunObserver {
  /** A phase begins. What it throws fails the phase. */
  onPhase?(phase: string, run: Run): Promise<void> | void;
  /** Time is about to pass, up to `now` in host time. What it throws ends the run, as a Ctrl-C has to. */
  onProgress?(phase: string, now: VirtualMs): void;
  /** The run has ended and its machines still stand. */
  onEnd?(run: Run): Promise<void> | void;
}

/** How a phase is filed. */
export interface PhaseOptions {
  readonly vm: Vm;
  readonly downtime: boolean;
}

/** One update of one guest by one strategy, while it happens. */
export interface Run {
  readonly host: Host;
  readonly guest: GuestProfile;
  /** The VM that the run began with. */
  readonly original: Vm;
  /** The VM that the user works in: the original one, or the reboot-dedicated one once it was handed over. */
  active(): Vm;
  readonly applyIn: ApplyPlace;
  /** Programs that the user wants to keep; null for all of the session on the console. */
  readonly keep: readonly Selection[] | null;
  /** Whether programs that cannot be carried stay behind; else the update fails because of them. */
  readonly drop: boolean;
  readonly probe: Probe;
  /** The files of the system disk, on their way into the rebooted state. */
  readonly files: RunFiles;
  /**
   * The machine in the boot that the boot snapshot ends, when its kernel had started and no disk had been
   * looked at.
   *
   * @throws {DoesNotApply} if there is none
   */
  phaseSnapshot(): Promise<Snapshot>;
  /** The reboot-dedicated VM while there is one. */
  dedicated(): Vm | null;
  /** Starts the worker of the reboot-dedicated VM; it is not on the host yet. */
  prepareDedicated(): Promise<Machine>;
  /** Puts the prepared reboot-dedicated VM on the host. */
  placeDedicated(): Vm;
  /** Takes the reboot-dedicated VM off the host, if there is one, and ends it. */
  dropDedicated(): Promise<void>;
  /** Makes the reboot-dedicated VM the user's, and ends the original one. */
  handOver(): Promise<void>;
  /** Begins a phase that is filed later, or not at all. */
  enter(phase: string): Promise<void>;
  /** Does the work of a phase and files how long it took. */
  phase<T>(name: string, options: PhaseOptions, work: () => Promise<T>): Promise<T>;
  /** Files a phase that is known afterwards, from the moments at which it began and ended. */
  addPhase(name: string, options: PhaseOptions, startMs: VirtualMs, endMs: VirtualMs): void;
  /** Set when the background reboot has ended. */
  background: BackgroundReboot | null;
  /** The phase under way, or the last one. */
  currentPhase(): string;
  event(kind: string, detail?: RunEvent["detail"], vm?: Vm): void;
  /** When a machine of this role last reset, or null if it has not since `since`; host time. */
  resetSince(role: MachineRole, since: VirtualMs): VirtualMs | null;
  /** How much wall time lay between two moments of host time. */
  wallBetween(startMs: VirtualMs, endMs: VirtualMs): WallMs;
  readonly phases: readonly Phase[];
  readonly events: readonly RunEvent[];
  readonly consoles: readonly ConsoleOutput[];
  /** Ends all machines. */
  dispose(): Promise<void>;
}

/** Restores the original VM on a new host and starts to probe it. */
export async function openRun(options: RunOptions): Promise<Run> {
  const { guest, observer, wallNow } = options;
  const host = createHost(options.host);
  const phases: Phase[] = [];
  const events: RunEvent[] = [];
  const consoles = keepOutput(({ atMs, machine }) => {
    events.push({ atMs, machine, kind: "output-not-kept" });
  });
  const wallMarks: { hostMs: VirtualMs; wallMs: number }[] = [];
  let current = "start";
  let prepared: Machine | null = null;
  let dedicated: Vm | null = null;

  const machine = await options.startMachine("original");
  try {
    await machine.restoreSnapshot(options.bootSnapshot);
  } catch (error) {
    await machine.dispose();
    throw error;
  }
  const original = place("original", machine);
  let active = original;
  const probe = startProbe(host, original);

  host.beforeQuantum((end) => {
    markWall();
    observer?.onProgress?.(current, end);
    return Promise.resolve();
  });

  function place(role: MachineRole, placed: Machine): Vm {
    const vm = placeVm(host, role, placed);
    placed.onOutput(({ atMs, line, bytes }) => {
      consoles.add({ atMs: host.hostTime(placed, atMs), machine: role, line, bytes });
    });
    placed.onReset((atMs) => {
      events.push({ atMs: host.hostTime(placed, atMs), machine: role, kind: "reset" });
    });
    return vm;
  }

  function markWall(): void {
    wallMarks.push({ hostMs: host.now(), wallMs: wallNow() });
  }

  /**
   * Wall time when host time reached a moment: work that takes no host time counts to what comes after.
   * Within a quantum it is taken to pass evenly.
   */
  function wallAt(moment: VirtualMs): number {
    const next = wallMarks.findIndex(({ hostMs }) => hostMs >= moment);
    const before = wallMarks[(next < 0 ? wallMarks.length : next) - 1];
    const behind = wallMarks[next] ?? { hostMs: host.now(), wallMs: wallNow() };
    if (before === undefined || behind.hostMs === moment) return behind.wallMs;
    const share = (moment - before.hostMs) / (behind.hostMs - before.hostMs);
    return before.wallMs + share * (behind.wallMs - before.wallMs);
  }

  async function enter(phase: string): Promise<void> {
    markWall();
    current = phase;
    await observer?.onPhase?.(phase, run);
  }

  function wallBetween(startMs: VirtualMs, endMs: VirtualMs): WallMs {
    return wallMs(wallAt(endMs) - wallAt(startMs));
  }

  async function dropDedicated(): Promise<void> {
    if (dedicated !== null) host.remove(dedicated.machine);
    dedicated = null;
    await prepared?.dispose();
    prepared = null;
  }

  const run: Run = {
    host,
    guest,
    original,
    probe,
    phases,
    events,
    consoles: consoles.kept,
    background: null,
    wallBetween,
    dropDedicated,
    applyIn: options.applyIn ?? "original",
    keep: options.keep ?? null,
    drop: options.drop ?? false,
    phaseSnapshot() {
      if (options.phaseSnapshot !== undefined) return options.phaseSnapshot();
      throw new DoesNotApply("no snapshot was taken while this guest booted");
    },
    get files() {
      return files;
    },
    active: () => active,
    dedicated: () => dedicated,
    async handOver() {
      if (dedicated === null) throw new Error("there is no reboot-dedicated VM to hand over");
      active = dedicated;
      dedicated = null;
      prepared = null;
      host.bringForward(active.machine);
      host.remove(machine);
      await machine.dispose();
    },
    async prepareDedicated() {
      prepared = await options.startMachine("reboot-dedicated");
      return prepared;
    },
    placeDedicated() {
      if (prepared === null) throw new Error("no reboot-dedicated VM was prepared");
      dedicated = place("reboot-dedicated", prepared);
      return dedicated;
    },
    enter,
    async phase(name, options, work) {
      const startMs = host.now();
      await enter(name);
      const result = await work();
      run.addPhase(name, options, startMs, host.now());
      return result;
    },
    addPhase(name, { vm, downtime }, startMs, endMs) {
      const spent = wallBetween(startMs, endMs);
      phases.push({ name, machine: vm.role, startMs, endMs, wallMs: spent, downtime });
    },
    currentPhase: () => current,
    resetSince(role, since) {
      const last = events.findLast(({ kind, machine: of }) => kind === "reset" && of === role);
      return last !== undefined && last.atMs >= since ? last.atMs : null;
    },
    event(kind, detail, vm) {
      events.push({
        atMs: host.now(),
        kind,
        ...(vm !== undefined && { machine: vm.role }),
        ...(detail !== undefined && { detail }),
      });
    },
    async dispose() {
      await dropDedicated();
      await active.machine.dispose();
      await machine.dispose();
    },
  };
  const files = openFiles(run, options.fileWishes ?? NO_FILE_WISHES);
  return run;
}

/** Lets `ms` of host time pass. */
export function pass({ host }: Run, ms: number): Promise<void> {
  return host.advanceTo(after(host.now(), ms));
}
