import { formatDuration } from "./duration.js";
import { outcomeOf } from "./outcome.js";
import type { RunSummary } from "./summary.js";

/** One strategy beside the others. */
export interface ComparisonRow {
  readonly strategy: string;
  /** Virtual milliseconds. */
  readonly downtimeMs: number;
  /** What the downtime took on this computer, in milliseconds. */
  readonly wallMs: number;
  /**
   * How much shorter than the downtime of `reboot`, in per cent; negative where it is longer. Null for
   * an update that was not committed, and where there is no committed `reboot` to compare with.
   */
  readonly savedPercent: number | null;
  readonly committed: boolean;
  /** The same in words. */
  readonly outcome: string;
  /** How many of the programs that the user had open went on, and how many these were. */
  readonly survived: number;
  readonly programs: number;
  readonly kernelAfter: string;
}

/** A strategy that cannot bring the update into effect on the guest, beside the others. */
export interface InapplicableRow {
  readonly strategy: string;
  /** Why not. */
  readonly doesNotApply: string;
}

/** What a row is made of: a report or a summary has it. */
export type ComparedRun = Pick<
  RunSummary,
  "guest" | "strategy" | "downtime" | "committed" | "failure" | "programs" | "kernelAfter"
>;

const REFERENCE = "reboot";

/** Those that could be tried at all. */
export function applied<R extends object>(tried: readonly (R | InapplicableRow)[]): R[] {
  return tried.filter((each): each is R => !("doesNotApply" in each));
}

/**
 * Puts runs of one guest side by side, in the order given. What does not apply stays as it is, in its place.
 *
 * @throws {RangeError} if the runs are of several guests: their downtimes say nothing about each other
 */
export function compareRuns(runs: readonly ComparedRun[]): ComparisonRow[];
export function compareRuns(
  tried: readonly (ComparedRun | InapplicableRow)[],
): (ComparisonRow | InapplicableRow)[];
export function compareRuns(
  tried: readonly (ComparedRun | InapplicableRow)[],
): (ComparisonRow | InapplicableRow)[] {
  const runs = applied(tried);
  const guests = new Set(runs.map((run) => run.guest));
  if (guests.size > 1) {
    throw new RangeError(
      `runs of several guests cannot be compared: ${[...guests].join(", ")}; compare one guest at a time`,
    );
  }
  const reference = runs.find((run) => run.strategy === REFERENCE && run.committed);
  return tried.map((run) => ("doesNotApply" in run ? run : rowOf(run, reference)));
}

function rowOf(run: ComparedRun, reference: ComparedRun | undefined): ComparisonRow {
  return {
    strategy: run.strategy,
    downtimeMs: Number(run.downtime.virtualMs.toFixed(6)),
    wallMs: Number(run.downtime.wallMs.toFixed(1)),
    savedPercent: reference && run.committed ? savedPercent(run, reference) : null,
    committed: run.committed,
    outcome: outcomeOf(run),
    survived: run.programs.filter(({ survived }) => survived).length,
    programs: run.programs.length,
    kernelAfter: run.kernelAfter,
  };
}

function savedPercent(run: ComparedRun, reference: ComparedRun): number | null {
  const full = reference.downtime.virtualMs;
  return full > 0 ? Number(((1 - run.downtime.virtualMs / full) * 100).toFixed(4)) : null;
}

const HEADINGS = [
  "strategy",
  "downtime",
  "saved",
  "wall time",
  "update",
  "survived",
  "kernel after",
] as const;

/** Columns of numbers stand flush right. */
const NUMERIC = [false, true, true, true, false, true, false] as const;

function cellsOf(row: ComparisonRow | InapplicableRow): string[] {
  if ("doesNotApply" in row) return [row.strategy, "-", "-", "-", "does not apply", "-", "-"];
  return [
    row.strategy,
    formatDuration(row.downtimeMs),
    row.strategy === REFERENCE || row.savedPercent === null ? "-" : formatPercent(row.savedPercent),
    formatDuration(row.wallMs),
    row.outcome,
    formatSurvival(row),
    row.kernelAfter,
  ];
}

/** How many programs went on, as a person reads it: `2 of 7`. */
export function formatSurvival({
  survived,
  programs,
}: Pick<ComparisonRow, "survived" | "programs">): string {
  return programs === 0 ? "-" : `${survived} of ${programs}`;
}

/** A share as a person reads it: `43.2 %`; near the whole with one more digit, and never as the whole: `99.96 %`. */
export function formatPercent(percent: number): string {
  return percent >= 98 && percent < 100
    ? `${Math.min(percent, 99.99).toFixed(2)} %`
    : `${percent.toFixed(1)} %`;
}

/** The rows as a table of plain text for a terminal, ended by a newline. */
export function formatComparison(rows: readonly (ComparisonRow | InapplicableRow)[]): string {
  const table = [[...HEADINGS], ...rows.map(cellsOf)];
  const widths = HEADINGS.map((_, column) =>
    Math.max(...table.map((cells) => cells[column]?.length ?? 0)),
  );
  const lines = table.map((cells) =>
    cells
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return NUMERIC[column] ? cell.padStart(width) : cell.padEnd(width);
      })
      .join("  ")
      .trimEnd(),
  );
  return `${lines.join("\n")}\n`;
}

/** The rows as a Markdown table, ended by a newline. */
export function comparisonMarkdown(rows: readonly (ComparisonRow | InapplicableRow)[]): string {
  const rule = NUMERIC.map((numeric) => (numeric ? "---:" : "---"));
  return [[...HEADINGS], rule, ...rows.map(cellsOf)]
    .map((cells) => `| ${cells.join(" | ")} |\n`)
    .join("");
}
