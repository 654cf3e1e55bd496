import type { StrategyName } from "../reboot/update.js";
import { downtimeOf, type FinishedRun, savedPercent } from "./finished-run.js";
import { gapsOf, lengthMs, longestGap } from "./gaps.js";
import type { Repetition } from "./reproduce.js";
import type { RunSummary } from "./summary.js";

/** Something that is said of the system, and what was found. */
export interface Claim {
  readonly claim: string;
  /** What a reader can type to look at it. */
  readonly command: string;
  readonly expected: string;
  readonly measured: string;
  readonly verdict: Verdict;
}

/** Whether a claim holds, or that nothing was run that could tell. */
export type Verdict = "yes" | "NO" | "not run";

/** Updates, as a claim speaks of them, and as a command chooses them. */
const KERNEL = { update: "kernel", what: "an update of the kernel", option: "" };
const SETTINGS = { update: "config", what: "an update of settings", option: " --update config" };

/** Checks what the README says against runs, in the best case of all guests by all strategies. */
export function checkClaims(
  runs: readonly FinishedRun[],
  repetitions: readonly Repetition[],
): Claim[] {
  return [
    takesEffect(runs),
    saves(runs, "shadow", KERNEL, 98),
    saves(runs, "shadow-transplant", KERNEL, 99),
    saves(runs, "shadow-transplant", SETTINGS, 98),
    survives(runs, "shadow-transplant"),
    keepsPrograms(runs, "shadow-transplant"),
    losesNothing(runs),
    addsUp(runs),
    agrees(runs, "shadow-transplant"),
    repeats(repetitions),
  ];
}

function takesEffect(runs: readonly FinishedRun[]): Claim {
  const applied = runs.filter(({ outcome }) => outcome !== "does not apply");
  const wrong = applied.filter(({ outcome }) => outcome !== "committed");
  return {
    claim: "Every strategy brings every guest into the updated system, where it applies",
    command: "npx shadow-reboot compare <guest> --strategies all",
    expected: `${applied.length} of ${applied.length} runs committed`,
    measured: `${applied.length - wrong.length} of ${applied.length}${listed(wrong)}`,
    verdict: verdict(applied, wrong.length === 0),
  };
}

function saves(
  all: readonly FinishedRun[],
  strategy: StrategyName,
  { update, what, option }: typeof KERNEL,
  least: number,
): Claim {
  const runs = all.filter((run) => run.update === update);
  const of = runs.filter((run) => run.strategy === strategy && run.outcome !== "does not apply");
  const savings = of
    .flatMap((run) => {
      const saved = savedPercent(run, runs);
      return saved === null ? [] : [{ guest: run.guest, saved }];
    })
    .sort((a, b) => a.saved - b.saved);
  const hasReboots = runs.some((run) => run.strategy === "reboot");
  const [worst] = savings;
  const isEnough = worst !== undefined && worst.saved >= least;
  const best = savings.at(-1);
  const unknown = of.filter((run) => savedPercent(run, runs) === null);
  const range =
    worst === undefined || best === undefined
      ? "nothing"
      : `${worst.saved.toFixed(2)} % (${worst.guest}) to ${best.saved.toFixed(2)} % (${best.guest})`;
  return {
    claim: `\`${strategy}\` saves at least ${least} % of the downtime of \`reboot\` in ${what}, in virtual time`,
    command: `npx shadow-reboot compare <guest> --strategies reboot,${strategy}${option}`,
    expected: `at least ${least} % in every guest`,
    measured: `${range}${listed(unknown)}`,
    verdict: verdict(hasReboots ? of : [], isEnough && unknown.length === 0),
  };
}

function survives(runs: readonly FinishedRun[], strategy: StrategyName): Claim {
  const of = runs.filter(
    ({ found, outcome, ...run }) =>
      run.strategy === strategy && outcome !== "does not apply" && found?.survived !== null,
  );
  const gone = of.filter(({ outcome, found }) => outcome !== "committed" || !found?.survived);
  return {
    claim: `The user's shell lives through \`${strategy}\`, with what it had in memory`,
    command: `npx shadow-reboot update <guest> --strategy ${strategy}`,
    expected: "in every guest",
    measured: `${of.length - gone.length} of ${of.length}${listed(gone)}`,
    verdict: verdict(of, gone.length === 0),
  };
}

function keepsPrograms(runs: readonly FinishedRun[], strategy: StrategyName): Claim {
  const of = runs.filter((run) => run.strategy === strategy && run.outcome !== "does not apply");
  const committed = of.filter(({ outcome }) => outcome === "committed");
  const opened = committed.flatMap((run) =>
    programsOf(run).map((program) => ({ ...program, guest: run.guest, strategy })),
  );
  const gone = opened.filter(({ survived }) => !survived);
  const names = gone.map(({ name, guest }) => ({ guest: `${name} in ${guest}`, strategy }));
  const having = new Set(runs.flatMap((run) => (programsOf(run).length > 0 ? [run.guest] : [])));
  const asked = of.filter(({ guest }) => having.has(guest));
  const unseen = asked.filter((run) => run.outcome !== "committed" || programsOf(run).length === 0);
  return {
    claim: `Programs that the user has open live through \`${strategy}\``,
    command: `npx shadow-reboot compare <guest> --strategies ${strategy}`,
    expected: "all of them, in every guest that has some",
    measured: `${opened.length - gone.length} of ${opened.length}${listed([...unseen, ...names])}`,
    verdict: verdict(asked, opened.length > 0 && gone.length === 0 && unseen.length === 0),
  };
}

/** The programs that were looked for after a run. */
function programsOf({ found }: FinishedRun): RunSummary["programs"] {
  return found?.summary.programs ?? [];
}

function losesNothing(runs: readonly FinishedRun[]): Claim {
  const ran = runs.filter(({ outcome }) => outcome !== "does not apply");
  const lossy = ran.filter(({ found }) => found?.lostFiles?.length !== 0);
  return {
    claim: "No file in `/home` is lost, those written during the background reboot included",
    command: "npx shadow-reboot update <guest> --strategy <strategy>",
    expected: "no file lost in any run",
    measured: `${ran.length - lossy.length} of ${ran.length} runs without a loss${listed(lossy)}`,
    verdict: verdict(ran, lossy.length === 0),
  };
}

/** How far apart the phases' sum and the probe's measure at that place may be, as a part of the latter. */
const TOLERANCE = 0.01;

function addsUp(runs: readonly FinishedRun[]): Claim {
  const ran = runs.filter(({ outcome }) => outcome !== "does not apply");
  const committed = ran.filter((run) => downtimeOf(run) !== null);
  const apart = committed.map((run) => ({ run, part: partApart(run) }));
  const wrong = apart.filter(({ part }) => part === null || part > TOLERANCE).map(({ run }) => run);
  const most = Math.max(0, ...apart.map(({ part }) => part ?? 0)) * 100;
  return {
    claim: "The phases of a downtime add up to the time in which the probe got no answer",
    command: "npx shadow-reboot update <guest> --strategy <strategy>",
    expected: `within ${TOLERANCE * 100} % in every run`,
    measured: `at most ${Number(most.toFixed(3))} % apart${listed(wrong)}`,
    verdict: verdict(ran, committed.length > 0 && wrong.length === 0),
  };
}

/** How far the phases' sum is from the silence, as a part of the latter; null where the probe measured none. */
function partApart({ found }: FinishedRun): number | null {
  const gap = longestGap(gapsOf(found?.summary.phases ?? []));
  const silenceMs = found?.silenceMs ?? 0;
  if (gap === undefined || silenceMs <= 0) return null;
  const sum = gap.phases.reduce((total, phase) => total + lengthMs(phase), 0);
  return Math.abs(sum - silenceMs) / silenceMs;
}

/** How far apart the probe and a program may be, in ms: the probe asks so often. */
const PROBE_MS = 10;

/** The probe asks from outside; a program that looks at its clock all the time knows nothing of it. */
function agrees(runs: readonly FinishedRun[], strategy: StrategyName): Claim {
  const of = runs.filter((run) => run.strategy === strategy && downtimeOf(run) !== null);
  const beating = of.filter(({ found }) => found !== null && found.summary.heartbeat !== null);
  const apart = beating.map((run) => ({
    run,
    ms: Math.abs((downtimeOf(run) ?? 0) - (run.found?.summary.heartbeat?.gapMs ?? 0)),
  }));
  const wrong = apart.filter(({ ms }) => ms > PROBE_MS).map(({ run }) => run);
  const most = Math.max(0, ...apart.map(({ ms }) => ms));
  return {
    claim: `A program that goes on through \`${strategy}\` finds by its own clock that it stood still as long`,
    command: `npx shadow-reboot update workbench --strategy ${strategy}`,
    expected: `within ${PROBE_MS} ms, in every guest that has one`,
    measured: `at most ${most.toFixed(1)} ms apart in ${beating.length} runs${listed(wrong)}`,
    verdict: verdict(beating, wrong.length === 0),
  };
}

function repeats(repetitions: readonly Repetition[]): Claim {
  const differ = repetitions.filter(({ digest, repeated }) => digest !== repeated);
  return {
    claim: "The same run in two processes gives the same digest of memory and events",
    command: "npx shadow-reboot update <guest> --strategy shadow-transplant --json",
    expected: "the same digest in every guest",
    measured: `the same in ${repetitions.length - differ.length} of ${repetitions.length}${listed(differ)}`,
    verdict: verdict(repetitions, differ.length === 0),
  };
}

function verdict(of: readonly unknown[], holds: boolean): Verdict {
  if (of.length === 0) return "not run";
  return holds ? "yes" : "NO";
}

/** Names the runs that stand against a claim. */
function listed(runs: readonly { readonly guest: string; readonly strategy: string }[]): string {
  if (runs.length === 0) return "";
  return `; not: ${runs.map(({ guest, strategy }) => `${guest} by ${strategy}`).join(", ")}`;
}

/** The claims as a page. */
export function claimsMarkdown(claims: readonly Claim[]): string {
  const rows = claims.map(({ claim, command, expected, measured, verdict }) =>
    [claim, `\`${command}\``, expected, measured, verdict].join(" | "),
  );
  return [
    "# Claims",
    "",
    "`npm run reproduce` wrote this page from its runs. All times are virtual.",
    "",
    "| claim | command | expected | measured | holds |",
    "| ----- | ------- | -------- | -------- | ----- |",
    ...rows.map((row) => `| ${row} |`),
    "",
  ].join("\n");
}
