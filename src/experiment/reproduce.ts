import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import path from "node:path";
import { DEFAULT_HOST } from "../host/config.js";
import { readRecipe } from "../images/recipe.js";
import type { StrategyName } from "../reboot/update.js";
import type { PlannedRun } from "./experiment.js";
import type { NamedExperiment } from "./experiments.js";
import { findingsOf, type FinishedRun, type Outcome } from "./finished-run.js";
import { sortedJson } from "./json.js";
import { keptRun } from "./kept-run.js";
import { inLanes } from "./lanes.js";
import { performRun, type RunRequest } from "./perform-run.js";
import type { Follower } from "./preparation.js";
import type { PreparedGuest } from "./prepared-guest.js";
import { readRun, type StoredRun } from "./run-directory.js";
import { endedBy, RunNotMade } from "./run-errors.js";
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
  /** Makes a guest ready; asked once for each that has runs to be made. */
  readonly prepare: (guest: string, follower: Follower) => Promise<PreparedGuest>;
  /** Has another process make a run and leave it in `directory`. What it throws ends the reproduction. */
  readonly runElsewhere: (
    run: CompleteRun,
    directory: string,
    signal: AbortSignal,
  ) => Promise<void>;
  /** How many runs are made at the same time, of different guests. */
  readonly jobs: number;
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
 * taken from there, so that work which was stopped goes on where it was; what cannot be read is made anew.
 * A run that fails in its simulated world is a result, too.
 *
 * @throws {RunNotMade} if a run failed for another reason, such as a full disk; finished runs stay
 * @throws the reason of the follower's signal, once that is aborted; finished runs stay
 */
export async function reproduce(
  options: ReproduceOptions,
  follower: Follower,
): Promise<Reproduction> {
  const { experiments, guests, strategies } = options;
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
    // An experiment may be about one guest, or one strategy, that nobody wants to look at now.
    .filter(
      ({ runs: planned }) =>
        planned.length > 0 &&
        planned.every(
          ({ guest, strategy }) => guests.includes(guest) && strategies.includes(strategy),
        ),
    );
  const runs = new Map(plans.flatMap((plan) => plan.runs).map((run) => [keyOf(run), run]));
  const { finished, repetitions } = await makeRuns([...runs.values()], options, follower);
  return {
    experiments: plans.map(({ experiment, runs: planned }) => ({
      experiment,
      runs: planned.flatMap((run) => finished.get(keyOf(run)) ?? []),
    })),
    repetitions: [...runs.keys()].flatMap((key) => repetitions.get(key) ?? []),
  };
}

/** Runs by their keys. */
interface MadeRuns {
  readonly finished: Map<string, FinishedRun>;
  readonly repetitions: Map<string, Repetition>;
}

/** Makes runs: those of a guest follow one another, since it is made ready once. */
async function makeRuns(
  runs: readonly CompleteRun[],
  { runsFolder, repeat, prepare, runElsewhere, jobs }: ReproduceOptions,
  follower: Follower,
): Promise<MadeRuns> {
  const guests = [...new Set(runs.map(({ guest }) => guest))];
  const groups = guests.map((guest) => runs.filter((run) => run.guest === guest));
  const total = runs.length + runs.filter(repeat).length;
  const finished = new Map<string, FinishedRun>();
  const repetitions = new Map<string, Repetition>();
  const oneByOne = createTurns();
  let started = 0;

  await inLanes(groups, jobs, follower, async (group, its) => {
    let ready: Promise<PreparedGuest> | null = null;
    const prepared = (guest: string): Promise<PreparedGuest> =>
      (ready ??= oneByOne(() => prepare(guest, its)));
    for (const run of group) {
      its.signal.throwIfAborted();
      const { guest, strategy } = run;
      const directory = await runDirectory(run, runsFolder);
      const shown = numbered(its, `run ${++started} of ${total}, ${guest}: `);
      const result = await finish(run, { directory, runsFolder }, prepared, shown);
      finished.set(keyOf(run), result);
      if (!repeat(run)) continue;
      started++;
      const digest = result.found?.summary.digest;
      if (digest === undefined) continue;
      const again = `${directory}-again`;
      let second = keptRun(again, runsFolder);
      if (second === null) {
        shown.show({ step: `${strategy}: once more in another process` });
        await wholeOrNot(again, (workshop) => runElsewhere(run, workshop, its.signal));
        second = readRun(again);
      }
      const repeated = second.summary.digest;
      repetitions.set(keyOf(run), { guest, strategy, digest, repeated });
    }
  });
  return { finished, repetitions };
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

/** Where a run is kept below `folder`: a place of its own for all that decides the run. */
export async function runDirectory(run: CompleteRun, folder: string): Promise<string> {
  const { guest, ...request } = run;
  const stamp = await stampOf(guest, await readRecipe(guest), request);
  return path.join(folder, `${guest}-${run.strategy}-${stamp}`);
}

/** The run, which is made if it is not kept. */
async function finish(
  run: CompleteRun,
  { directory, runsFolder }: { readonly directory: string; readonly runsFolder: string },
  prepared: (guest: string) => Promise<PreparedGuest>,
  follower: Follower,
): Promise<FinishedRun> {
  const { guest, strategy, update, host, ...rest } = run;
  const ended = (outcome: Outcome, reason: string, stored: StoredRun | null): FinishedRun => {
    return { guest, strategy, update, host, outcome, reason, found: stored && findingsOf(stored) };
  };
  try {
    let stored = keptRun(directory, runsFolder);
    if (stored === null) {
      const ready = await prepared(guest);
      const request = { strategy, update, host, ...rest };
      const end = await performRun(ready, request, directory, follower).then(() => null, endedBy);
      follower.signal.throwIfAborted();
      if (end !== null) return ended(end.outcome, end.reason, null);
      stored = readRun(directory);
    }
    const { committed, failure } = stored.summary;
    const good = committed && failure === null;
    const outcome = good ? "committed" : failure?.rolledBack === false ? "failed" : "rolled back";
    return ended(outcome, failure?.message ?? "", stored);
  } catch (error) {
    follower.signal.throwIfAborted();
    throw new RunNotMade(run, error instanceof Error ? error.message : String(error), error);
  }
}

/** Has work leave a directory beside the place where it belongs, and puts it there when it is done. */
async function wholeOrNot(
  target: string,
  work: (workshop: string) => Promise<void>,
): Promise<void> {
  mkdirSync(path.dirname(target), { recursive: true });
  const parent = mkdtempSync(`${target}.partial-`);
  const workshop = path.join(parent, "run");
  try {
    await work(workshop);
    try {
      renameSync(workshop, target);
    } catch (error) {
      // Another process may have left the same run there meanwhile.
      if (!existsSync(target)) throw error;
    }
  } finally {
    rmSync(parent, { recursive: true, force: true });
  }
}

/** Work that waits until the work before it has ended, well or not: guests are built of layers that they share. */
function createTurns(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const mine = last.then(work);
    last = mine.catch(() => undefined);
    return mine;
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
