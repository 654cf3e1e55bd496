import { guestProfile } from "../../src/experiment/prepared-guest.js";
import { DEFAULT_HOST } from "../../src/host/config.js";
import type { GuestProfile } from "../../src/reboot/guest-profile.js";
import type { RunReport } from "../../src/reboot/report.js";
import type { RunObserver } from "../../src/reboot/run.js";
import { runUpdate, type StrategyName } from "../../src/reboot/update.js";
import { busybox } from "./busybox.js";

/** An update of the guest `busybox` from its boot snapshot, as `shadow-reboot update` does it. */
export async function updateBusybox(
  strategy: StrategyName,
  observer: RunObserver = {},
  change: Partial<GuestProfile["update"]> = {},
): Promise<RunReport> {
  const prepared = await busybox();
  const profile = guestProfile(prepared, "kernel");
  return runUpdate({
    strategy,
    observer,
    guest: { ...profile, update: { ...profile.update, ...change } },
    bootSnapshot: prepared.bootSnapshot,
    host: DEFAULT_HOST,
    startMachine: (name) => prepared.startMachine(name),
    wallNow: () => performance.now(),
  });
}
