import { guestProfile, type PreparedGuest } from "../../src/experiment/prepared-guest.js";
import { openConsole } from "../../src/machine/console.js";
import type { Machine } from "../../src/machine/machine.js";
import { logIn, runCommand } from "../../src/reboot/vm.js";
import type { Snapshot } from "../../src/storage/snapshot.js";
import { busybox } from "../support/busybox.js";

/** A booted guest with a shell open on its console, to start stories from. */
export interface BootedMachine {
  readonly guest: PreparedGuest;
  readonly machine: Machine;
  /** The machine as it is when the shell waits for its first command. */
  readonly shell: Snapshot;
}

/** Starts a machine with a shell open; the caller owns the machine. */
export async function bootedMachine(name = "tested"): Promise<BootedMachine> {
  const guest = await busybox();
  const machine = await guest.startMachine(name);
  await machine.restoreSnapshot(guest.bootSnapshot);
  const console = openConsole(machine, 0);
  await logIn({ console, machine }, guestProfile(guest, "kernel"));
  console.close();
  return { guest, machine, shell: await machine.takeSnapshot() };
}

/** What a shell command prints, without the last newline. */
export async function sh(machine: Machine, command: string, withinMs = 5000): Promise<string> {
  const console = openConsole(machine, 0);
  const { output } = await runCommand({ console, machine }, command, withinMs);
  console.close();
  return output.replace(/\n$/, "");
}
