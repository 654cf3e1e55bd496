import type { HostConfig } from "../host/config.js";
import type { Selection } from "../process/select.js";
import { type FileWishes, NO_FILE_WISHES } from "../reboot/carry-over.js";
import type { ApplyPlace } from "../reboot/apply-update.js";
import { runUpdate, type StrategyName } from "../reboot/update.js";
import { formatDuration } from "./duration.js";
import { phaseSnapshot } from "./phase-snapshot.js";
import type { Follower } from "./preparation.js";
import { guestProfile, type PreparedGuest } from "./prepared-guest.js";
import { checkReplaceable, type RunConfig, writeRun } from "./run-directory.js";
import { type RunSummary, summarise } from "./summary.js";

/** Wishes as a run's configuration holds them. */
export type FileRequest = {
  readonly [Wish in keyof FileWishes]: FileWishes[Wish] extends readonly string[]
    ? string[]
    : boolean;
};

/** What decides a run, besides its guest. */
export interface RunRequest {
  readonly strategy: StrategyName;
  /** An update in the guest's recipe. */
  readonly update: string;
  readonly applyIn: ApplyPlace;
  /** Programs to transplant, where the strategy does that; null for the session on the console and the guest's services. */
  readonly keep: Selection[] | null;
  /** Whether programs that cannot be carried stay behind. */
  readonly drop?: true;
  /** What the user wants of the files on the system disk, if it is anything in particular. */
  readonly files?: FileRequest;
  /** A line of shell that the user types in the original VM before the update begins. */
  readonly run?: string;
  readonly host: HostConfig;
}

/**
 * Updates a prepared guest by one strategy and leaves the run in `directory`. An update that was rolled
 * back is a run like any other.
 *
 * @throws {RangeError} if the guest has no such update, or the strategy no place like that to apply it in
 * @throws {DoesNotApply} if the strategy cannot bring this update into effect on this guest
 * @throws {RunDirectoryError} before the work begins if something else lies at `directory`
 * @throws the reason of the follower's signal, once that is aborted; nothing is written then
 */
export async function performRun(
  guest: PreparedGuest,
  request: RunRequest,
  directory: string,
  { show, signal }: Follower,
): Promise<RunSummary> {
  checkReplaceable(directory);
  const { strategy, update, applyIn, keep, drop = false, files, run, host } = request;
  const profile = guestProfile(guest, update);
  const startedAt = performance.now();
  const report = await runUpdate({
    strategy,
    applyIn,
    keep,
    drop,
    fileWishes: files ?? NO_FILE_WISHES,
    ...(run !== undefined && { userWork: run }),
    host,
    guest: profile,
    bootSnapshot: guest.bootSnapshot,
    startMachine: (name) => guest.startMachine(name),
    wallNow: () => performance.now(),
    phaseSnapshot: () => phaseSnapshot(guest, profile, { show, signal }),
    observer: {
      onProgress(phase, now) {
        signal.throwIfAborted();
        const wall = formatDuration(performance.now() - startedAt);
        const detail = `${formatDuration(now)} of virtual time, ${wall} of wall time`;
        show({ step: `${strategy}: ${phase}`, detail });
      },
    },
  });
  signal.throwIfAborted();
  writeRun(directory, configOf(guest, request), report);
  return summarise(report);
}

/** All that decides what a run computes. */
function configOf({ name, recipe, bootSnapshot }: PreparedGuest, request: RunRequest): RunConfig {
  const { config: machine, emulator } = bootSnapshot;
  return { guest: name, ...request, recipe, machine, emulator: { ...emulator } };
}
