import type { PreparedGuest } from "../../src/experiment/prepared-guest.js";
import type { Machine } from "../../src/machine/machine.js";
import type { Snapshot } from "../../src/storage/snapshot.js";
import { bootedMachine } from "../machine/booted-machine.js";

/** The two machines that share a host, both of the guest `busybox`. Whoever opens them disposes of them. */
export interface TwoMachines {
  readonly guest: PreparedGuest;
  readonly original: Machine;
  readonly dedicated: Machine;
  /** A machine whose shell waits for its first command. */
  readonly shell: Snapshot;
  /** Brings both to that state. */
  rewind(): Promise<void>;
  dispose(): Promise<void>;
}

/** Starts both, with a shell open in each. */
export async function openTwoMachines(): Promise<TwoMachines> {
  const { guest, machine: original, shell } = await bootedMachine("original");
  const dedicated = await guest.startMachine("reboot-dedicated");
  await dedicated.restoreSnapshot(shell);
  return {
    guest,
    original,
    dedicated,
    shell,
    async rewind() {
      await original.restoreSnapshot(shell);
      await dedicated.restoreSnapshot(shell);
    },
    async dispose() {
      await original.dispose();
      await dedicated.dispose();
    },
  };
}
