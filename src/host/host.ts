import { after, type VirtualMs, virtualMs } from "../clock/virtual-time.js";
import type { Machine } from "../machine/machine.js";
import type { HostConfig } from "./config.js";
import { runQuantum, type Runnable } from "./schedule.js";

/** How a machine takes part in a host. */
export interface Placement {
  readonly machine: Machine;
  /** Whether it is the reboot-dedicated VM. */
  readonly background: boolean;
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
  /** Lets all machines run up to a moment. */
  advanceTo(moment: VirtualMs): Promise<void>;
  /** Lets `ms` pass while a machine does not run because the VMM works on it; the others go on. */
  occupy(machine: Machine, ms: number): Promise<void>;
  /** Keeps a machine from running until `release`, however long that is. */
  hold(machine: Machine): void;
  release(machine: Machine): void;
  /** What it costs to copy or compare so many bytes of memory, in ms. */
  memoryCost(bytes: number): number;
  /** Calls `listener` before each quantum, with its end; returns what ends that. */
  beforeQuantum(listener: (end: VirtualMs) => Promise<void>): () => void;
}

interface Placed extends Placement {
  /** Machine clock minus host time. */
  readonly offsetMs: number;
  /** Processor time used beyond what was granted, to be taken off the next grant, in ms. */
  debtMs: number;
  /** Until when the VMM keeps it from running, in host time. */
  occupiedUntil: VirtualMs;
  held: boolean;
}

/** Makes a host without machines. */
export function createHost(config: HostConfig): Host {
  let now = virtualMs(0);
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
    await runQuantum(
      placed.map((each) => runnable(each, end)),
      config,
      length,
    );
    // Who did not run to the end has waited for a processor, or for the VMM.
    await Promise.all(placed.map(({ machine, offsetMs }) => machine.stall(after(end, offsetMs))));
    now = end;
  }

  function runnable(each: Placed, end: VirtualMs): Runnable {
    const { machine, offsetMs, background } = each;
    return {
      background,
      async run(budgetMs) {
        if (each.held || each.occupiedUntil >= end) return 0;
        await machine.stall(after(each.occupiedUntil, offsetMs));
        const granted = budgetMs - each.debtMs;
        const { busyMs } =
          granted > 0
            ? await machine.run({ until: after(end, offsetMs), busyMs: granted })
            : { busyMs: 0 };
        const used = virtualMs(each.debtMs + busyMs);
        each.debtMs = Math.max(0, virtualMs(used - budgetMs));
        return Math.min(budgetMs, used);
      },
    };
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
      });
    },
    remove(machine) {
      placed.splice(placed.indexOf(find(machine)), 1);
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
    memoryCost: (bytes) => bytes / config.costs.memoryBytesPerMs,
    beforeQuantum(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
