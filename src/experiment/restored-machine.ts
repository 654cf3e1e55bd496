import type { VirtualMs } from "../clock/virtual-time.js";
import { type Console, openConsole } from "../machine/console.js";
import type { Machine } from "../machine/machine.js";
import type { Snapshot } from "../storage/snapshot.js";
import type { Follower } from "./preparation.js";
import type { PreparedGuest } from "./prepared-guest.js";

/** A machine of a guest that goes on from a snapshot. */
export interface RestoredMachine {
  readonly machine: Machine;
  /** Its first serial line; waiting there lets time pass. */
  readonly console: Console;
  /** Lets time pass up to a moment of the machine's clock, unless the work was stopped. */
  readonly advance: (until: VirtualMs) => Promise<void>;
}

/** What work on a machine is called. */
export interface WorkNames {
  readonly machine: string;
  /** As the follower is shown it. */
  readonly step: string;
}

/**
 * Does work on a machine of its own that goes on from a snapshot; the machine ends with the work.
 *
 * @throws the reason of the follower's signal, once that is aborted and time is to pass
 */
export async function onRestoredMachine<T>(
  guest: PreparedGuest,
  snapshot: Snapshot,
  names: WorkNames,
  { show, signal }: Follower,
  work: (restored: RestoredMachine) => Promise<T>,
): Promise<T> {
  const machine = await guest.startMachine(names.machine);
  try {
    await machine.restoreSnapshot(snapshot);
    const start = machine.now();
    const advance = async (until: VirtualMs): Promise<void> => {
      signal.throwIfAborted();
      const done = machine.now() - start;
      show({ step: names.step, done, unit: "ms", detail: "of virtual time" });
      await machine.run({ until });
    };
    return await work({ machine, console: openConsole(machine, 0, advance), advance });
  } finally {
    await machine.dispose();
  }
}
