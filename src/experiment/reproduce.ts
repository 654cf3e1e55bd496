import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import path from "node:path";
import { DEFAULT_HOST } from "../host/config.js";
import { readRecipe } from "../images/recipe.js";
import { DoesNotApply } from "../reboot/errors.js";
import type { StrategyName } from "../reboot/update.js";
import type { PlannedRun } from "./experiment.js";
import type { NamedExperiment } from "./experiments.js";
import { findingsOf, type FinishedRun, type Outcome } from "./finished-run.js";
import { sortedJson } from "./json.js";
import { performRun, type RunRequest } from "./perform-run.js";
import { type Follower, prepareFollowed } from "./preparation.js";
import type { PreparedGuest } from "./prepared-guest.js";
import { readRun, type StoredRun } from "./run-directory.js";
import { stampOf } from "./run-stamp.js";

/** A run to be made: its guest, and all that is asked for. */
export interface CompleteRun extends RunRequest {
  readonly guest: string;
}

/** What is reproduced, and where it is kept. */
export interface ReproduceOptions {
  readonly experiments: readonly NamedExperiment[];
  readonly guests: readonly string[];
  readonly strategies: readonly StrategyName[];
  /** Where the directories of runs lie, each under the stamp of what decides it. */
  readonly runsFolder: string;
  /** Runs to be made once more by another process, for their digests. */
  readonly repeat: (run: CompleteRun) => boolean;
  /** Has another process make a run and leave it in `directory`. */
  readonly runElsewhere: (run: CompleteRun, directory: string) => Promise<void>;
}

/** An experiment with all of its runs, in the order in which it names them. */
export interface FinishedExperiment {
  readonly experiment: NamedExperiment;
  readonly runs: readonly FinishedRun[];
}

/** The digest of a run, and of the same run in another process. */
export interface Repetition {
  readonly guest: string;
  readonly strategy: string;
  readonly digest: string;
  readonly repeated: string;
}

/** All that was run. */
export interface Reproduction {
  readonly experiments: readonly FinishedExperiment[];
  readonly repetitions: readonly Repetition[];
}

/**
 * Makes the runs of all experiments, each once. Runs that are in the runs folder with the same stamp are
 * taken from there, so that work which was stopped goes on where it was. A run that fails is a result, too.
 *
 * @throws the reason of the follower's signal, once that is aborted; finished runs stay
 */
export async function reproduce(
  { experiments, guests, strategies, runsFolder, repeat, runElsewhere }: ReproduceOptions,
  follower: Follower,
): Promise<Reproduction> {
  const updates = new Map<string, string[]>();
  for (const guest of guests) updates.set(guest, Object.keys((await readRecipe(guest)).updates));
  const available = {
    guests,
    strategies,
    updates: (guest: string) => updates.get(guest) ?? [],
  };
  const plans = experiments
    .map((experiment) => ({
      experiment,
      runs: experiment.runs(available).map(completed),
    }))
    // An experiment may be about one guest that nobody wants to look at now.
    .filter(({ runs: planned }) => planned.every(({ guest }) => guests.includes(guest)));
  const runs = inGroups(
    new Map(plans.flatMap((plan) => plan.runs).map((run) => [keyOf(run), run])),
  );
  const repeats = runs.filter(repeat);

  const total = runs.length + repeats.length;
  const finished = new Map<string, FinishedRun>();
  const repetitions: Repetition[] = [];
  const prepared = createPreparation(follower);
  for (const run of runs) {
    const number = finished.size + repetitions.length + 1;
    const shown = numbered(follower, `run ${number} of ${total}, ${run.guest}: `);
    const directory = await runDirectory(run, runsFolder);
    const result = await finish(run, directory, prepared, shown);
    finished.set(keyOf(run), result);
    if (!repeats.includes(run)) continue;
    const digest = result.found?.summary.digest;
    if (digest === undefined) continue;
    const again = `${directory}-again`;
    if (keptRun(again) === null) {
      shown.show({ step: `${run.strategy}: once more in another process` });
      await wholeOrNot(again, (workshop) => runElsewhere(run, workshop));
    }
    const repeated = keptRun(again)?.summary.digest ?? "";
    repetitions.push({ guest: run.guest, strategy: run.strategy, digest, repeated });
  }
  return {
    experiments: plans.map(({ experiment, runs: planned }) => ({
      experiment,
      runs: planned.flatMap((run) => finished.get(keyOf(run)) ?? []),
    })),
    repetitions,
  };
}

function completed(planned: PlannedRun): CompleteRun {
  const { guest, strategy, update = "kernel", applyIn = "original", run, host } = planned;
  return {
    guest,
    strategy,
    update,
    applyIn,
    keep: null,
    ...(run !== undefined && { run }),
    host: { ...DEFAULT_HOST, ...host, costs: { ...DEFAULT_HOST.costs, ...host?.costs } },
  };
}

function keyOf(run: CompleteRun): string {
  return sortedJson(run);
}

/** Runs of a guest follow one another: it is made ready once. */
function inGroups(runs: ReadonlyMap<string, CompleteRun>): CompleteRun[] {
  const all = [...runs.values()];
  const guests = [...new Set(all.map(({ guest }) => guest))];
  return guests.flatMap((guest) => all.filter((run) => run.guest === guest));
}

/** Where a run is kept below `folder`: a place of its own for all that decides the run. */
export async function runDirectory(run: CompleteRun, folder: string): Promise<string> {
  const { guest, ...request } = run;
  const stamp = await stampOf(guest, await readRecipe(guest), request);
  return path.join(folder, `${guest}-${run.strategy}-${stamp}`);
}

async function finish(
  run: CompleteRun,
  directory: string,
  prepared: (guest: string) => Promise<PreparedGuest>,
  follower: Follower,
): Promise<FinishedRun> {
  const { guest, strategy, update, host, ...rest } = run;
  const ended = (outcome: Outcome, reason: string, stored: StoredRun | null): FinishedRun => {
    return { guest, strategy, update, host, outcome, reason, found: stored && findingsOf(stored) };
  };
  try {
    if (keptRun(directory) === null) {
      const request = { strategy, update, host, ...rest };
      await performRun(await prepared(guest), request, directory, follower);
    }
    const stored = readRun(directory);
    const { committed, failure } = stored.summary;
    const good = committed && failure === null;
    const outcome = good ? "committed" : failure?.rolledBack === false ? "failed" : "rolled back";
    return ended(outcome, failure?.message ?? "", stored);
  } catch (error) {
    follower.signal.throwIfAborted();
    const reason = error instanceof Error ? error.message : String(error);
    return ended(error instanceof DoesNotApply ? "does not apply" : "failed", reason, null);
  }
}

function keptRun(directory: string): StoredRun | null {
  return existsSync(directory) ? readRun(directory) : null;
}

/** Has work leave a directory beside the place where it belongs, and puts it there when it is done. */
async function wholeOrNot(
  target: string,
  work: (workshop: string) => Promise<void>,
): Promise<void> {
  const workshop = `${target}.partial`;
  rmSync(workshop, { recursive: true, force: true });
  mkdirSync(path.dirname(target), { recursive: true });
  try {
    await work(workshop);
    renameSync(workshop, target);
  } finally {
    rmSync(workshop, { recursive: true, force: true });
  }
}

/** Makes guests ready when they are needed, and keeps the last one: together they could fill the memory. */
function createPreparation(follower: Follower): (guest: string) => Promise<PreparedGuest> {
  let last: { readonly guest: string; readonly prepared: Promise<PreparedGuest> } | null = null;
  return (guest) => {
    if (last?.guest !== guest) last = { guest, prepared: prepareFollowed(guest, follower) };
    return last.prepared;
  };
}

function numbered({ show, signal }: Follower, prefix: string): Follower {
  return {
    signal,
    show: (event) => {
      show({ ...event, step: prefix + event.step });
    },
  };
}
