/**
 * Colours that people with any kind of colour vision can tell apart.
 *
 * References:
 * - Paul Tol, "Colour Schemes", SRON/EPS/TN/09-002, issue 3.2: "light" (made for labelled areas, with
 *   black text on each), lengthened by light colours of "discrete rainbow" and "pale"
 */
import type { RunSummary } from "../summary.js";

/** Text and axes. */
export const INK = "#222222";
/** Text of second rank, and lines that lead to a label. */
export const FAINT_INK = "#666666";
/** Lines behind the data. */
export const GRID = "#e4e4e4";
/** A machine that its user can work on. */
export const IN_USE = "#eeeeee";
/** Time in which the user waits, and the text about it. */
export const DOWNTIME = "#ffcccc";
/** Text about a downtime. */
export const DOWNTIME_INK = "#b02a0c";
/** What leads from a part of a panel to its enlargement. */
export const ZOOM = "#f7f7f7";

/** What the paper's figures are drawn in, behind our own. */
export const BANDS = ["#a5c8e4", "#f3e3b3"] as const;

/**
 * Marks and curves, dark enough for thin lines on white.
 *
 * Reference: Paul Tol, as above: "bright", without its grey, and "wine" and "indigo" of "muted"
 */
export const MARKS = [
  "#4477aa",
  "#ee6677",
  "#228833",
  "#aa3377",
  "#66ccee",
  "#ccbb44",
  "#882255",
  "#332288",
] as const;

const PHASES = [
  "#77aadd",
  "#eedd88",
  "#44bb99",
  "#ee8866",
  "#99ddff",
  "#bbcc33",
  "#ffaabb",
  "#aaaa00",
  "#cc99bb",
  "#f6c141",
  "#bbccee",
  "#90c987",
  "#d9cce3",
] as const;

/**
 * The colour of each phase by its name: the same name has the same colour in all figures of these runs,
 * and names differ in colour as long as there are no more of them than colours.
 */
export function phaseColours(
  runs: readonly Pick<RunSummary, "phases">[],
): (name: string) => string {
  const names = [...new Set(runs.flatMap((run) => run.phases.map((phase) => phase.name)))];
  return (name) => PHASES[Math.max(0, names.indexOf(name)) % PHASES.length] ?? PHASES[0];
}
