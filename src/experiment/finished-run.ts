import type { HostConfig } from "../host/config.js";
import type { ProbeAnswer, RunEvent } from "../reboot/report.js";
import type { StrategyName } from "../reboot/update.js";
import { gapsOf, longestGap, silenceAt } from "./gaps.js";
import { sortedJson } from "./json.js";
import type { StoredRun } from "./run-directory.js";
import type { RunSummary } from "./summary.js";

/** What recipes call the program that is the user's shell itself. */
const SHELL = "shell";

/** How a run ended. */
export type Outcome = "committed" | "rolled back" | "does not apply" | "failed";

/** A run of an experiment that is over, whatever came of it. */
export interface FinishedRun {
  readonly guest: string;
  readonly strategy: StrategyName;
  readonly update: string;
  readonly host: HostConfig;
  readonly outcome: Outcome;
  /** Why it was not committed; empty if it was. */
  readonly reason: string;
  /** Null where there was nothing to run, or the run failed as a whole. */
  readonly found: RunFindings | null;
}

/** What a run found out. */
export interface RunFindings {
  readonly summary: RunSummary;
  /** Whether the shell that the user had open was still there in the end; null if nothing in it could tell. */
  readonly survived: boolean | null;
  /** Files of the user that were gone in the end, or not as they were written; null if nobody could look. */
  readonly lostFiles: readonly string[] | null;
  /**
   * How long the probe got no answer where the phases of the downtime lie, in virtual ms; null if there are none. The
   * downtime is no less: an answer that is late elsewhere can make a longer gap, as questions are 10 ms apart.
   */
  readonly silenceMs: number | null;
  /** How long the answers to the probe took, in virtual ms: what the VMs leave of each other's time. */
  readonly answers: {
    readonly medianMs: number;
    readonly p99Ms: number;
    readonly longestMs: number;
  };
}

/** What the directory of a run says. */
export function findingsOf({ summary, events, probe }: StoredRun): RunFindings {
  const gap = longestGap(gapsOf(summary.phases));
  const lost = factOf(events, "home-checked", "lost");
  return {
    summary,
    survived: shellOf(summary),
    lostFiles: lost === undefined ? null : String(lost).split(" ").filter(Boolean),
    silenceMs: gap === undefined ? null : silenceAt(probe, (gap.startMs + gap.endMs) / 2),
    answers: {
      medianMs: percentile(probe, 50),
      p99Ms: percentile(probe, 99),
      longestMs: percentile(probe, 100),
    },
  };
}

function shellOf({ programs, hasShell }: RunSummary): boolean | null {
  if (!hasShell) return false;
  return programs.find(({ name }) => name === SHELL)?.survived ?? null;
}

function factOf(events: readonly RunEvent[], kind: string, name: string) {
  return events.find((event) => event.kind === kind)?.detail?.[name];
}

/** Of the questions that were answered; those that were not make up the downtime. */
function percentile(probe: readonly ProbeAnswer[], percent: number): number {
  const waits = probe
    .flatMap(({ sentMs, answeredMs }) => (answeredMs === null ? [] : [answeredMs - sentMs]))
    .sort((a, b) => a - b);
  const at = Math.max(0, Math.ceil((percent / 100) * waits.length) - 1);
  return Number((waits[at] ?? 0).toFixed(6));
}

/** The downtime of a committed run in virtual ms; null for any other. */
export function downtimeOf({ outcome, found }: FinishedRun): number | null {
  return outcome === "committed" ? (found?.summary.downtime.virtualMs ?? null) : null;
}

/** The plain reboot of the same guest by the same update, on the same host. */
export function rebootOf(run: FinishedRun, runs: readonly FinishedRun[]): FinishedRun | undefined {
  const host = sortedJson(run.host);
  return runs.find(
    (other) =>
      other.strategy === "reboot" &&
      other.guest === run.guest &&
      other.update === run.update &&
      sortedJson(other.host) === host,
  );
}

/** How much less than the reboot of the same guest a run took, in per cent; null where that cannot be said. */
export function savedPercent(run: FinishedRun, runs: readonly FinishedRun[]): number | null {
  const reboot = rebootOf(run, runs);
  const full = reboot === undefined ? null : downtimeOf(reboot);
  const left = downtimeOf(run);
  if (run.strategy === "reboot" || !full || left === null) return null;
  return Number(((1 - left / full) * 100).toFixed(4));
}
