import { after } from "../clock/virtual-time.js";
import { openConsole } from "../machine/console.js";
import { DoesNotApply } from "../reboot/errors.js";
import type { GuestProfile } from "../reboot/guest-profile.js";
import { reusedPhases } from "../reboot/phase-reuse.js";
import type { Snapshot } from "../storage/snapshot.js";
import { bootThrough } from "./boot.js";
import { keptSnapshot } from "./kept-snapshot.js";
import type { Follower } from "./preparation.js";
import type { PreparedGuest } from "./prepared-guest.js";
import { programSha256 } from "./program-sha256.js";

/** How often it is looked whether the phase has ended, in ms: the guest goes on meanwhile. */
const LOOK_MS = 0.5;

/** The file of the program that decides when it is looked. */
const LOOKING = /^experiment\/phase-snapshot\.[jt]s$/;

/**
 * The machine of a guest in its first boot, when the kernel had started and no disk had been looked at; it
 * is made once and kept in the cache. The same boot leads on to the boot snapshot: they are of one machine.
 *
 * @throws {DoesNotApply} if no phase of its boot ends there
 */
export async function phaseSnapshot(
  guest: PreparedGuest,
  profile: GuestProfile,
  follower: Follower,
): Promise<Snapshot> {
  const { reused } = reusedPhases(profile);
  const { config, emulator, clock } = guest.bootSnapshot;
  const kept = {
    name: `${guest.name}-phase`,
    decides: [
      config,
      emulator,
      clock,
      reused.map(({ until }) => until.source),
      programSha256(LOOKING),
    ],
    comment: `${guest.name}, when its kernel had started`,
  };
  return keptSnapshot(guest.cache, kept, () => bootInto(guest, reused, follower));
}

async function bootInto(
  guest: PreparedGuest,
  phases: GuestProfile["bootPhases"],
  { show, signal }: Follower,
): Promise<Snapshot> {
  const machine = await guest.startMachine(`${guest.name} (phase of its boot)`);
  try {
    const console = openConsole(machine, 0, async () => {
      signal.throwIfAborted();
      await machine.run({ until: after(machine.now(), LOOK_MS) });
      show({ step: `${guest.name}: boot once more`, done: machine.now(), unit: "ms" });
    });
    await bootThrough(console, phases);
    const snapshot = await machine.takeSnapshot();
    if (snapshot.disks.some(({ numbers }) => numbers.length > 0)) {
      throw new DoesNotApply(`${guest.name} writes to its disks before its kernel has started`);
    }
    return snapshot;
  } finally {
    await machine.dispose();
  }
}
