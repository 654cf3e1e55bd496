import { compareRuns, formatPercent } from "../compare.js";
import type { ComparisonRow } from "../compare.js";
import { formatDuration } from "../duration.js";
import { gapsOf, lengthMs, longestGap } from "../gaps.js";
import type { RunSummary } from "../summary.js";
import type { Figure } from "./canvas.js";
import { lanesFigure } from "./lanes.js";
import { DOWNTIME_INK, phaseColours } from "./palette.js";
import type { Panel, Segment } from "./panel.js";

/** Downtimes shorter than this part of the longest are enlarged in a panel of their own. */
const ENLARGE_BELOW = 0.1;

/** Room behind the longest bar for its note, as a part of the bar. */
const NOTE_ROOM = 0.36;

const LANE_HEIGHT = 82;

/**
 * The downtimes of several runs of one guest on one scale, each with what it saves against `reboot`, and
 * the short ones once more, enlarged.
 *
 * @throws {RangeError} if the runs are of several guests
 */
export function compareFigure(runs: readonly RunSummary[]): Figure {
  const colourOf = phaseColours(runs);
  const compared = compareRuns(runs).map((row, index) => ({
    row,
    segments: segmentsOf(runs[index]?.phases ?? [], colourOf),
  }));
  const longestMs = Math.max(...compared.map(({ row }) => row.downtimeMs));
  const isShort = ({ row }: ComparedDowntime) => row.downtimeMs < longestMs * ENLARGE_BELOW;
  const enlarged = compared.filter(isShort);
  const overview = compared.map((one) => (isShort(one) ? unsplit(one) : one));
  return lanesFigure({
    title: `Downtime of ${runs[0]?.guest ?? "no guest"}, by strategy`,
    subtitle: "The longest time without an answer to the probe, split by phase",
    overview: panelOf(overview, "downtime in virtual time"),
    ...(enlarged.length > 0 && {
      detail: panelOf(enlarged, "enlarged: downtime in virtual time"),
    }),
  });
}

interface ComparedDowntime {
  readonly row: ComparisonRow;
  readonly segments: readonly Segment[];
}

/** The phases of the longest gap, counted from its start. */
function segmentsOf(
  phases: RunSummary["phases"],
  colourOf: ReturnType<typeof phaseColours>,
): Segment[] {
  const gap = longestGap(gapsOf(phases));
  return (gap?.phases ?? []).map((phase) => ({
    label: `${phase.name} ${formatDuration(lengthMs(phase))}`,
    fromMs: phase.startMs - (gap?.startMs ?? 0),
    toMs: phase.endMs - (gap?.startMs ?? 0),
    colour: colourOf(phase.name),
  }));
}

/** One bar for a downtime whose phases are too short to be told apart. */
function unsplit({ row }: ComparedDowntime): ComparedDowntime {
  return {
    row,
    segments: [{ label: "", fromMs: 0, toMs: row.downtimeMs, colour: DOWNTIME_INK }],
  };
}

function panelOf(compared: readonly ComparedDowntime[], axis: string): Panel {
  const longestMs = Math.max(1, ...compared.map(({ row }) => row.downtimeMs));
  const inSeconds = longestMs >= 1000;
  return {
    lanes: compared.map(({ row, segments }) => ({
      name: row.strategy,
      segments,
      note: noteOf(row),
    })),
    laneHeight: LANE_HEIGHT,
    axisTitle: `${axis} (${inSeconds ? "s" : "ms"})`,
    fromMs: 0,
    toMs: longestMs * (1 + NOTE_ROOM),
    originMs: 0,
    unitMs: inSeconds ? 1000 : 1,
  };
}

function noteOf({ committed, outcome, downtimeMs, savedPercent }: ComparisonRow): string {
  const downtime = formatDuration(downtimeMs);
  if (!committed) return `${downtime} (${outcome})`;
  if (savedPercent === null || savedPercent === 0) return downtime;
  return savedPercent > 0
    ? `${downtime} (${formatPercent(savedPercent)} shorter)`
    : `${downtime} (${formatPercent(-savedPercent)} longer)`;
}
