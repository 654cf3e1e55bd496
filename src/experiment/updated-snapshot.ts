import { createHash } from "node:crypto";
import { after } from "../clock/virtual-time.js";
import { openConsole } from "../machine/console.js";
import { openCache } from "../node/cache.js";
import { applyUpdate } from "../reboot/apply-update.js";
import { logIn, runCommand } from "../reboot/vm.js";
import type { Snapshot } from "../storage/snapshot.js";
import { decodeSnapshot, encodeSnapshot } from "../storage/snapshot-file.js";
import type { Follower } from "./preparation.js";
import { guestLogin, guestProfile, type PreparedGuest } from "./prepared-guest.js";

const BOOT_PHASE_LIMIT_MS = 120_000;
const SETTLE_MS = 1000;

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
  { show, signal }: Follower,
): Promise<Snapshot> {
  const { bootSnapshot: before, recipe } = guest;
  const { update, bootPhases } = guestProfile(guest, updateName);
  const decides = [before.config, before.emulator, before.clock, update.apply.join("\n")];
  const key = createHash("sha256")
    .update(JSON.stringify(decides))
    .update(before.ram.data)
    .digest("hex")
    .slice(0, 16);
  const file = `snapshots/${guest.name}-${updateName}-${key}.snapshot`;
  const cache = await openCache();
  const stored = await cache.read(file);
  if (stored !== null) {
    // A damaged file in the cache is no reason to stop: it can be made again.
    const snapshot = await decodeSnapshot(stored).catch(() => null);
    if (snapshot !== null) return snapshot;
  }
  const machine = await guest.startMachine(`${guest.name} (${updateName})`);
  try {
    await machine.restoreSnapshot(before);
    const start = machine.now();
    const console = openConsole(machine, 0, async (moment) => {
      signal.throwIfAborted();
      await machine.run({ until: moment });
      show({ step: `${guest.name}: boot the update`, done: machine.now() - start, unit: "ms" });
    });
    await logIn({ machine, console }, { login: guestLogin(recipe) });
    await applyUpdate(update, (command, withinMs) =>
      runCommand({ machine, console }, command, withinMs),
    );
    await console.type("reboot\n");
    for (const { name, until } of bootPhases) {
      await console.expect(until, {
        withinMs: BOOT_PHASE_LIMIT_MS,
        what: `the end of the boot phase "${name}"`,
      });
    }
    await machine.run({ until: after(machine.now(), SETTLE_MS) });
    const snapshot = await machine.takeSnapshot();
    await cache.write(file, await encodeSnapshot(snapshot, { comment: `${guest.name}, updated` }));
    return snapshot;
  } finally {
    await machine.dispose();
  }
}
