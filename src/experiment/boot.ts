import { after } from "../clock/virtual-time.js";
import type { Console } from "../machine/console.js";
import type { Machine } from "../machine/machine.js";
import type { GuestProfile } from "../reboot/guest-profile.js";
import type { Snapshot } from "../storage/snapshot.js";

/** How long a guest is left alone after its boot before a snapshot of it is taken, in ms of virtual time. */
export const SETTLE_MS = 1000;

/**
 * Waits until a guest's boot has come through phases.
 *
 * @throws {WaitExpired} naming the phase that did not end in time
 */
export async function bootThrough(
  console: Console,
  phases: GuestProfile["bootPhases"],
): Promise<void> {
  for (const { name, until, withinMs } of phases) {
    await console.expect(until, { withinMs, what: `the end of the boot phase "${name}"` });
  }
}

/** A machine whose boot has ended, once it has come to rest. */
export async function settledSnapshot(machine: Machine): Promise<Snapshot> {
  await machine.run({ until: after(machine.now(), SETTLE_MS) });
  return machine.takeSnapshot();
}
