import { openConsole } from "../machine/console.js";
import { openCache } from "../node/cache.js";
import { applyUpdate } from "../reboot/apply-update.js";
import { logIn, runCommand } from "../reboot/vm.js";
import type { Snapshot } from "../storage/snapshot.js";
import { bootThrough, settledSnapshot } from "./boot.js";
import { keptSnapshot } from "./kept-snapshot.js";
import type { Follower } from "./preparation.js";
import { guestLogin, guestProfile, type PreparedGuest } from "./prepared-guest.js";

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
    decides: [config, emulator, clock, update.apply.join("\n")],
    bytes: ram.data,
    comment: `${guest.name}, updated`,
  };
  return keptSnapshot(await openCache(), kept, () => bootUpdate(guest, updateName, follower));
}

async function bootUpdate(
  guest: PreparedGuest,
  updateName: string,
  { show, signal }: Follower,
): Promise<Snapshot> {
  const { update, bootPhases } = guestProfile(guest, updateName);
  const machine = await guest.startMachine(`${guest.name} (${updateName})`);
  try {
    await machine.restoreSnapshot(guest.bootSnapshot);
    const start = machine.now();
    const console = openConsole(machine, 0, async (moment) => {
      signal.throwIfAborted();
      await machine.run({ until: moment });
      show({ step: `${guest.name}: boot the update`, done: machine.now() - start, unit: "ms" });
    });
    await logIn({ machine, console }, { login: guestLogin(guest.recipe) });
    await applyUpdate(update, (command, withinMs) =>
      runCommand({ machine, console }, command, withinMs),
    );
    await console.type("reboot\n");
    await bootThrough(console, bootPhases);
    return await settledSnapshot(machine);
  } finally {
    await machine.dispose();
  }
}
