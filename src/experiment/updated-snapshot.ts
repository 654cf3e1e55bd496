import { applyUpdate } from "../reboot/apply-update.js";
import { logIn, runCommand } from "../reboot/vm.js";
import type { Snapshot } from "../storage/snapshot.js";
import { bootThrough, settledSnapshot } from "./boot.js";
import { keptSnapshot } from "./kept-snapshot.js";
import type { Follower } from "./preparation.js";
import { guestProfile, type PreparedGuest } from "./prepared-guest.js";
import { programSha256 } from "./program-sha256.js";
import { onRestoredMachine } from "./restored-machine.js";

/** Files of the program that decide what is typed, and when. */
const TYPING =
  /^(?:reboot\/(?:apply-update|boot-trouble|command-marks|vm)|experiment\/(?:restored-machine|updated-snapshot))\.[jt]s$/;

/**
 * The machine of a guest that has applied one of its updates and booted into it; it is made once and kept
 * in the cache.
 *
 * @throws {RangeError} if the guest has no such update
 * @throws {UpdateFailed} if it cannot be applied
 */
export async function updatedSnapshot(
  guest: PreparedGuest,
  updateName: string,
  follower: Follower,
): Promise<Snapshot> {
  const { config, emulator, clock, ram } = guest.bootSnapshot;
  const { update } = guestProfile(guest, updateName);
  const kept = {
    name: `${guest.name}-${updateName}`,
    decides: [config, emulator, clock, update.apply.join("\n"), programSha256(TYPING)],
    bytes: ram.data,
    comment: `${guest.name}, updated`,
  };
  return keptSnapshot(guest.cache, kept, () => bootUpdate(guest, updateName, follower));
}

function bootUpdate(
  guest: PreparedGuest,
  updateName: string,
  follower: Follower,
): Promise<Snapshot> {
  const { login, update, bootPhases } = guestProfile(guest, updateName);
  const names = {
    machine: `${guest.name} (${updateName})`,
    step: `${guest.name}: boot the update`,
  };
  return onRestoredMachine(guest, guest.bootSnapshot, names, follower, async (terminal) => {
    await logIn(terminal, { login });
    await applyUpdate(update, (command, withinMs) => runCommand(terminal, command, withinMs));
    await terminal.console.type("reboot\n");
    await bootThrough(terminal.console, bootPhases);
    return settledSnapshot(terminal.machine);
  });
}
