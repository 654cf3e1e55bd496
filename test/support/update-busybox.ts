import { guestProfile } from "../../src/experiment/prepared-guest.js";
import { phaseSnapshot } from "../../src/experiment/phase-snapshot.js";
import { DEFAULT_HOST, type HostConfig } from "../../src/host/config.js";
import type { ApplyPlace } from "../../src/reboot/apply-update.js";
import type { GuestProfile } from "../../src/reboot/guest-profile.js";
import type { RunReport } from "../../src/reboot/report.js";
import type { RunObserver } from "../../src/reboot/run.js";
import { runUpdate, type StrategyName } from "../../src/reboot/update.js";
import { busybox } from "./busybox.js";
import { QUIET } from "./quiet.js";

/** How an update differs from what `shadow-reboot update` does. */
interface Otherwise {
  /** One of the guest's updates; `kernel` by default. */
  readonly update?: string;
  readonly applyIn?: ApplyPlace;
  readonly host?: Partial<HostConfig>;
  /** More programs that the user has open. */
  readonly programs?: GuestProfile["programs"];
  readonly drop?: boolean;
  readonly userWork?: string;
  readonly bootPhases?: (phases: GuestProfile["bootPhases"]) => GuestProfile["bootPhases"];
}

/** An update of the guest `busybox` from its boot snapshot, as `shadow-reboot update` does it. */
export async function updateBusybox(
  strategy: StrategyName,
  observer: RunObserver = {},
  change: Partial<GuestProfile["update"]> = {},
  {
    update = "kernel",
    applyIn = "original",
    host = {},
    programs = [],
    drop = false,
    userWork,
    bootPhases = (phases) => phases,
  }: Otherwise = {},
): Promise<RunReport> {
  const prepared = await busybox();
  const profile = guestProfile(prepared, update);
  return runUpdate({
    strategy,
    observer,
    applyIn,
    drop,
    ...(userWork !== undefined && { userWork }),
    guest: {
      ...profile,
      programs: [...profile.programs, ...programs],
      bootPhases: bootPhases(profile.bootPhases),
      update: { ...profile.update, ...change },
    },
    bootSnapshot: prepared.bootSnapshot,
    host: { ...DEFAULT_HOST, ...host },
    phaseSnapshot: () => phaseSnapshot(prepared, profile, QUIET),
    startMachine: (name) => prepared.startMachine(name),
    wallNow: () => performance.now(),
  });
}
