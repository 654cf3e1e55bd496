import { addSpell, type Spell } from "../clock/spell.js";
import { after, type VirtualMs, virtualMs } from "../clock/virtual-time.js";
import type { Machine } from "../machine/machine.js";
import type { WakeCost } from "../machine/run-loop.js";
import type { HostConfig } from "./config.js";
import { diskShares, preemptionMs } from "./disk-share.js";
import { idletime } from "./idletime.js";
import { runQuantum, type Runnable } from "./schedule.js";

/** How a machine takes part in a host. */
export interface Placement {
  readonly machine: Machine;
  /** Whether it is the reboot-dedicated VM. */
  readonly background: boolean;
}

/** Processor time of a machine, in ms. */
export interface Usage {
  /** Time in which its guest ran. */
  readonly ranMs: number;
  /** Time in which its guest would have run and did not, for want of a processor. */
  readonly waitedMs: number;
}

/**
 * The simulated computer that the machines run on. Its time is that of a run: zero when it is made.
 * Machines on it advance in lockstep; it does not own them.
 */
export interface Host {
  readonly config: HostConfig;
  now(): VirtualMs;
  /** Host time of a moment of a machine's clock. */
  hostTime(machine: Machine, moment: VirtualMs): VirtualMs;
  /** Moment of a machine's clock at a host time. */
  machineTime(machine: Machine, moment: VirtualMs): VirtualMs;
  add(placement: Placement): void;
  remove(machine: Machine): void;
  /** Puts a machine that was in the background among the others; its clock and what it owes stay as they are. */
  bringForward(machine: Machine): void;
  /** Lets all machines run up to a moment. */
  advanceTo(moment: VirtualMs): Promise<void>;
  /** Lets `ms` pass while a machine does not run because the VMM works on it; the others go on. */
  occupy(machine: Machine, ms: number): Promise<void>;
  /** Keeps a machine from running until `release`, however long that is. */
  hold(machine: Machine): void;
  release(machine: Machine): void;
  /** What a machine has had of the processors since it came onto the host. */
  usage(machine: Machine): Usage;
  /** What it costs to copy or compare so many bytes of memory, in ms. */
  memoryCost(bytes: number): number;
  /** Calls `listener` before each quantum, with its end; returns what ends that. */
  beforeQuantum(listener: (end: VirtualMs) => Promise<void>): () => void;
}

interface Placed {
  readonly machine: Machine;
  background: boolean;
  /** Machine clock minus host time. */
  readonly offsetMs: number;
  /** Processor time used beyond what was granted, to be taken off the next grant, in ms. */
  debtMs: number;
  /** Until when the VMM keeps it from running, in host time. */
  occupiedUntil: VirtualMs;
  held: boolean;
  /** When it came onto the host; and since then the time in which it ran, and in which it was idle, in ms. */
  readonly since: VirtualMs;
  ranMs: number;
  idleMs: number;
  /** Whether it used the processor when it was last granted any of it. */
  wants: boolean;
  /** When it last stopped to use the processor, or the disk, in host time; null while it does. */
  idleSince: VirtualMs | null;
  diskIdleSince: VirtualMs | null;
  /** What it did during the quantum under way, or the last one, in host time. */
  idle: Spell[];
  diskBusy: Spell[];
  /** The part of the disk's time that it gets; null until it has been told. */
  diskShare: number | null;
}

/** Makes a host without machines. */
export function createHost(config: HostConfig): Host {
  let now = virtualMs(0);
  /** The last quantum. */
  let before: Spell = { from: now, to: now };
  const placed: Placed[] = [];
  const listeners = new Set<(end: VirtualMs) => Promise<void>>();

  function find(machine: Machine): Placed {
    const found = placed.find((each) => each.machine === machine);
    if (found === undefined) throw new Error(`The machine "${machine.name}" is not on this host.`);
    return found;
  }

  async function quantum(end: VirtualMs): Promise<void> {
    for (const listener of listeners) await listener(end);
    const length = virtualMs(end - now);
    await shareDisk();
    for (const each of placed) each.idle = waiting(each, end);
    await runQuantum(
      placed.map((each) => runnable(each, end)),
      config,
      length,
    );
    // Who did not run to the end has waited for a processor, or for the VMM.
    await Promise.all(placed.map(({ machine, offsetMs }) => machine.stall(after(end, offsetMs))));
    for (const each of placed) {
      each.idleSince = idleness(each, end).since;
      each.idleMs += each.idle.reduce((sum, { from, to }) => sum + to - from, 0);
    }
    before = { from: now, to: end };
    now = end;
  }

  /** Tells each machine what it gets of the disk, if that takes time. */
  async function shareDisk(): Promise<void> {
    if (config.disk === null) return;
    const uses = placed.map(({ background, diskBusy, diskIdleSince }) => ({
      background,
      busy: diskBusy,
      idleSince: diskIdleSince,
    }));
    const shares = diskShares(uses, config, before);
    for (const [index, each] of placed.entries()) {
      const { share, idleSince } = shares[index] ?? { share: 1, idleSince: null };
      each.diskIdleSince = idleSince;
      each.diskBusy = [];
      if (share === each.diskShare) continue;
      each.diskShare = share;
      await each.machine.serveDisk({ ...config.disk, share });
    }
  }

  /** The part of a quantum in which the VMM keeps a machine from running: it is idle then. */
  function waiting({ held, occupiedUntil }: Placed, end: VirtualMs): Spell[] {
    const to = held ? end : virtualMs(Math.min(end, occupiedUntil));
    return to > now ? [{ from: now, to }] : [];
  }

  function idleness({ idle, idleSince }: Placed, end: VirtualMs) {
    return idletime(idle, { from: now, to: end }, idleSince, preemptionMs(config));
  }

  function runnable(each: Placed, end: VirtualMs): Runnable {
    const { machine, offsetMs, background } = each;
    return {
      background,
      async run(budgetMs) {
        if (each.held || each.occupiedUntil >= end) return 0;
        await machine.stall(after(each.occupiedUntil, offsetMs));
        const granted = budgetMs - each.debtMs;
        const busyMs = granted > 0 ? await runFor(each, granted, end) : 0;
        const used = virtualMs(each.debtMs + busyMs);
        each.debtMs = Math.max(0, virtualMs(used - budgetMs));
        return Math.min(budgetMs, used);
      },
      leftMs: () => idleness(each, end).leftMs,
    };
  }

  /** Lets a machine run, and notes what it used. */
  async function runFor(each: Placed, granted: number, end: VirtualMs): Promise<number> {
    const { machine, offsetMs, idle: idleSpells, diskBusy } = each;
    const result = await machine.run({
      until: after(end, offsetMs),
      busyMs: granted,
      wakeCost: wakeCost(each),
    });
    each.wants = result.busyMs > 0;
    each.ranMs += result.busyMs;
    const toHost = ({ from, to }: Spell): Spell => ({
      from: after(from, -offsetMs),
      to: virtualMs(Math.min(end, to - offsetMs)),
    });
    for (const spell of result.idle) addSpell(idleSpells, toHost(spell));
    for (const spell of result.diskBusy) addSpell(diskBusy, toHost(spell));
    return result.busyMs + result.wakingMs;
  }

  /** What waking a machine costs: nothing, where there is a processor for it that the background has not got. */
  function wakeCost({ background }: Placed): WakeCost {
    const taken = config.cores === 1 && placed.some((each) => each.background && each.wants);
    return { afterMs: preemptionMs(config), ms: taken && !background ? config.costs.switchMs : 0 };
  }

  async function advanceTo(moment: VirtualMs): Promise<void> {
    while (now < moment) {
      // Quanta lie on a grid, so that where a run is cut changes nothing.
      const gridEnd = (Math.floor(now / config.quantumMs) + 1) * config.quantumMs;
      await quantum(virtualMs(Math.min(moment, gridEnd)));
    }
  }

  return {
    config,
    now: () => now,
    hostTime: (machine, moment) => after(moment, -find(machine).offsetMs),
    machineTime: (machine, moment) => after(moment, find(machine).offsetMs),
    add({ machine, background }) {
      placed.push({
        machine,
        background,
        offsetMs: machine.now() - now,
        debtMs: 0,
        occupiedUntil: now,
        held: false,
        since: now,
        ranMs: 0,
        idleMs: 0,
        wants: false,
        idleSince: now,
        diskIdleSince: now,
        idle: [],
        diskBusy: [],
        diskShare: null,
      });
    },
    remove(machine) {
      placed.splice(placed.indexOf(find(machine)), 1);
    },
    bringForward(machine) {
      find(machine).background = false;
    },
    advanceTo,
    async occupy(machine, ms) {
      find(machine).occupiedUntil = after(now, ms);
      await advanceTo(after(now, ms));
    },
    hold(machine) {
      find(machine).held = true;
    },
    release(machine) {
      find(machine).held = false;
    },
    usage(machine) {
      const { since, ranMs, idleMs } = find(machine);
      // A turn may reach beyond the quantum.
      const waitedMs = Math.max(0, virtualMs(now - since - ranMs - idleMs));
      return { ranMs: virtualMs(ranMs), waitedMs };
    },
    memoryCost: (bytes) => bytes / config.costs.memoryBytesPerMs,
    beforeQuantum(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
