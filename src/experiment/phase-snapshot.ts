import { createHash } from "node:crypto";
import { after } from "../clock/virtual-time.js";
import { openConsole } from "../machine/console.js";
import { openCache } from "../node/cache.js";
import { DoesNotApply } from "../reboot/errors.js";
import type { GuestProfile } from "../reboot/guest-profile.js";
import { reusedPhases } from "../reboot/phase-reuse.js";
import type { Snapshot } from "../storage/snapshot.js";
import { decodeSnapshot, encodeSnapshot } from "../storage/snapshot-file.js";
import type { Follower } from "./preparation.js";
import type { PreparedGuest } from "./prepared-guest.js";

const BOOT_PHASE_LIMIT_MS = 120_000;

/** How often it is looked whether the phase has ended, in ms: the guest goes on meanwhile. */
const LOOK_MS = 0.5;

/**
 * The machine of a guest in its first boot, when the kernel had started and no disk had been looked at; it
 * is made once and kept in the cache. The same boot leads on to the boot snapshot: they are of one machine.
 *
 * @throws {DoesNotApply} if no phase of its boot ends there
 */
export async function phaseSnapshot(
  guest: PreparedGuest,
  profile: GuestProfile,
  { show, signal }: Follower,
): Promise<Snapshot> {
  const { reused } = reusedPhases(profile);
  const { config, emulator, clock } = guest.bootSnapshot;
  const decides = [config, emulator, clock, reused.map(({ until }) => until.source), LOOK_MS];
  const key = createHash("sha256").update(JSON.stringify(decides)).digest("hex").slice(0, 16);
  const file = `snapshots/${guest.name}-phase-${key}.snapshot`;
  const cache = await openCache();
  const stored = await cache.read(file);
  if (stored !== null) {
    // A damaged file in the cache is no reason to stop: it can be made again.
    const snapshot = await decodeSnapshot(stored).catch(() => null);
    if (snapshot !== null) return snapshot;
  }
  const machine = await guest.startMachine(`${guest.name} (phase of its boot)`);
  try {
    const console = openConsole(machine, 0, async () => {
      signal.throwIfAborted();
      await machine.run({ until: after(machine.now(), LOOK_MS) });
      show({ step: `${guest.name}: boot once more`, done: machine.now(), unit: "ms" });
    });
    for (const { name, until } of reused) {
      await console.expect(until, {
        withinMs: BOOT_PHASE_LIMIT_MS,
        what: `the end of the boot phase "${name}"`,
      });
    }
    const snapshot = await machine.takeSnapshot();
    if (snapshot.disks.some(({ numbers }) => numbers.length > 0)) {
      throw new DoesNotApply(`${guest.name} writes to its disks before its kernel has started`);
    }
    const comment = `${guest.name}, when its kernel had started`;
    await cache.write(file, await encodeSnapshot(snapshot, { comment }));
    return snapshot;
  } finally {
    await machine.dispose();
  }
}
