import { mkdirSync } from "node:fs";
import path from "node:path";
import { writeAtomically } from "../node/write-file.js";
import { checkClaims, type Claim, claimsMarkdown } from "./claims.js";
import { csv } from "./csv.js";
import { curveRows, curvesFigure } from "./figures/curves.js";
import type { Figure } from "./figures/canvas.js";
import { downtimesFigure } from "./figures/downtimes.js";
import { phasesFigure } from "./figures/phase-bars.js";
import { timelineFigure } from "./figures/timeline.js";
import { downtimeOf, type FinishedRun, savedPercent } from "./finished-run.js";
import type { FinishedExperiment, Reproduction } from "./reproduce.js";

/**
 * Writes what was found out to a folder: data, figures and claims. Of the same runs these are the same
 * bytes; only `wall-times.csv` says how long this computer took. Files of these names are replaced.
 *
 * @returns the claims, and the names of the files
 */
export async function writeResults(
  folder: string,
  { experiments, repetitions }: Reproduction,
): Promise<{ readonly claims: readonly Claim[]; readonly files: readonly string[] }> {
  const runs = comparedRuns(experiments);
  const claims = checkClaims(runs, repetitions);
  const files: [name: string, content: string | Uint8Array][] = [
    ["data.csv", csv(dataRows(runs))],
    ["data.json", `${JSON.stringify(dataRows(runs), null, 2)}\n`],
    ["wall-times.csv", csv(wallRows(allRuns(experiments)))],
    ["claims.md", claimsMarkdown(claims)],
    ...experiments.flatMap(filesOf),
  ];
  mkdirSync(folder, { recursive: true });
  for (const [name, content] of files) {
    await writeAtomically(path.join(folder, name), [Buffer.from(content)]);
  }
  return { claims, files: files.map(([name]) => name) };
}

/** The runs that are put side by side; those of a curve differ in more than guest and strategy. */
function comparedRuns(experiments: readonly FinishedExperiment[]): FinishedRun[] {
  return allRuns(experiments.filter(({ experiment }) => experiment.figure.kind !== "curves"));
}

function allRuns(experiments: readonly FinishedExperiment[]): FinishedRun[] {
  return [...new Set(experiments.flatMap(({ runs }) => runs))];
}

function filesOf({ experiment, runs }: FinishedExperiment): [string, string | Uint8Array][] {
  const figure = figureOf({ experiment, runs });
  if (figure === null) return [];
  const { name, figure: plan } = experiment;
  const files: [string, string | Uint8Array][] = [
    [`${name}.svg`, figure.svg],
    [`${name}.pdf`, figure.pdf()],
    [`${name}.png`, figure.png],
  ];
  if (plan.kind === "curves") files.push([`${name}.csv`, csv(curveRows(runs, plan))]);
  return files;
}

function figureOf({ experiment, runs }: FinishedExperiment): Figure | null {
  const { figure } = experiment;
  switch (figure.kind) {
    case "downtimes":
      return downtimesFigure(experiment, runs, figure.bands);
    case "phases":
      return phasesFigure(experiment, runs);
    case "timeline": {
      const summary = runs[0]?.found?.summary;
      return summary ? timelineFigure(summary) : null;
    }
    case "curves":
      return curvesFigure(experiment, runs, figure);
  }
}

/** A row a run: what it found out in virtual time. */
function dataRows(runs: readonly FinishedRun[]) {
  return runs.map((run) => ({
    guest: run.guest,
    strategy: run.strategy,
    update: run.update,
    outcome: run.outcome,
    downtimeMs: downtimeOf(run),
    savedPercent: savedPercent(run, runs),
    kernelBefore: run.found?.summary.kernelBefore ?? null,
    kernelAfter: run.found?.summary.kernelAfter ?? null,
    sessionSurvived: run.found?.survived ?? null,
    programs: run.found?.summary.programs.length ?? null,
    programsSurvived: run.found?.summary.programs.filter(({ survived }) => survived).length ?? null,
    filesLost: run.found?.lostFiles?.length ?? null,
    answerMedianMs: run.found?.answers.medianMs ?? null,
    answerP99Ms: run.found?.answers.p99Ms ?? null,
    cores: run.host.cores,
    policy: run.host.policy,
    digest: run.found?.summary.digest ?? null,
    reason: run.reason,
  }));
}

/** What the runs took on the computer that made them. */
function wallRows(runs: readonly FinishedRun[]) {
  return runs.flatMap(({ guest, strategy, update, host, found }) => {
    if (found === null) return [];
    const { downtime, phases } = found.summary;
    const total = phases.reduce((sum, { wallMs }) => sum + wallMs, 0);
    const { cores, policy, preemptionIntervalMs, costs } = host;
    const shared = { cores, policy, preemptionIntervalMs, switchMs: costs.switchMs };
    const wall = { downtimeWallMs: downtime.wallMs, phasesWallMs: Number(total.toFixed(1)) };
    return [{ guest, strategy, update, ...shared, ...wall }];
  });
}
