import { formatPercent } from "../compare.js";
import { formatDuration } from "../duration.js";
import type { Experiment, SavingBand } from "../experiment.js";
import { downtimeOf, type FinishedRun, rebootOf, savedPercent } from "../finished-run.js";
import { type Figure, type Paper, paintFigure } from "./canvas.js";
import { NAMES_WIDTH, placeRows, rowsHeight, writeNames } from "./guest-rows.js";
import { BANDS, FAINT_INK, MARKS } from "./palette.js";
import {
  decades,
  drawTimeAxis,
  HEADING_HEIGHT,
  mark,
  type Scale,
  shortened,
  textWidth,
  TIME_AXIS_HEIGHT,
  write,
  writeHeading,
} from "./paint.js";

const WIDTH = 1000;
const NOTES_WIDTH = 190;
const LEGEND_LINE = 20;

/**
 * The downtime of each run as a mark on a logarithmic scale, and behind the marks of a guest the downtimes
 * that published savings would leave of its reboot.
 */
export function downtimesFigure(
  { title, subtitle }: Pick<Experiment, "title" | "subtitle">,
  runs: readonly FinishedRun[],
  bands: readonly SavingBand[],
): Figure {
  const top = HEADING_HEIGHT + bands.length * LEGEND_LINE + 10;
  const bottom = top + rowsHeight(runs);
  const guests = placeRows(runs, top);
  const strategies = [...new Set(runs.map(({ strategy }) => strategy))];
  const paint = (paper: Paper): void => {
    writeHeading(paper, title, subtitle);
    drawLegend(paper, bands);
    const extent = { from: NAMES_WIDTH, to: WIDTH - NOTES_WIDTH };
    const scale = decades(
      runs.flatMap((run) => downtimeOf(run) ?? []),
      extent,
    );
    drawTimeAxis(paper, scale, { from: top, to: bottom }, "downtime in virtual time (logarithmic)");
    for (const { rows, extent: height } of guests) {
      const [first] = rows;
      const reboot = first && rebootOf(first.run, runs);
      if (reboot) drawBands(paper, bands, downtimeOf(reboot), scale, height);
    }
    writeNames(paper, guests, WIDTH);
    for (const { run, y } of guests.flatMap(({ rows }) => rows)) {
      const kind = strategies.indexOf(run.strategy);
      const downtime = downtimeOf(run);
      if (downtime !== null) {
        mark(paper, kind, scale.place(downtime), y, MARKS[kind % MARKS.length] ?? MARKS[0]);
        write(paper, noteOf(run, runs), WIDTH - NOTES_WIDTH + 14, y);
      } else {
        const reason = shortened(paper, missing(run), WIDTH - NAMES_WIDTH - 16);
        const end = NAMES_WIDTH + 4;
        paper.fillStyle = "#ffffff";
        paper.fillRect(end - 2, y - 8, textWidth(paper, reason) + 4, 16);
        write(paper, reason, end, y, { colour: FAINT_INK });
      }
    }
  };
  return paintFigure(paint, { width: WIDTH, height: bottom + TIME_AXIS_HEIGHT });
}

function drawLegend(paper: Paper, bands: readonly SavingBand[]): void {
  for (const [index, { label }] of bands.entries()) {
    const y = HEADING_HEIGHT + (index + 0.5) * LEGEND_LINE;
    paper.fillStyle = BANDS[index % BANDS.length] ?? BANDS[0];
    paper.fillRect(NAMES_WIDTH, y - 7, 26, 14);
    write(paper, label, NAMES_WIDTH + 34, y);
  }
}

/** The first band lies before the others: it is the narrowest. */
function drawBands(
  paper: Paper,
  bands: readonly SavingBand[],
  reboot: number | null,
  { place }: Scale,
  { from, to }: { readonly from: number; readonly to: number },
): void {
  if (reboot === null) return;
  for (const [index, { leastPercent, mostPercent }] of [...bands.entries()].reverse()) {
    const left = place(reboot * (1 - mostPercent / 100));
    const right = place(reboot * (1 - leastPercent / 100));
    paper.globalAlpha = 0.75;
    paper.fillStyle = BANDS[index % BANDS.length] ?? BANDS[0];
    paper.fillRect(left, from, right - left, to - from);
    paper.globalAlpha = 1;
  }
}

function noteOf(run: FinishedRun, runs: readonly FinishedRun[]): string {
  const downtime = formatDuration(downtimeOf(run) ?? 0);
  const saved = savedPercent(run, runs);
  if (saved === null) return downtime;
  return saved >= 0
    ? `${downtime}  (${formatPercent(saved)} less)`
    : `${downtime}  (${formatPercent(-saved)} more)`;
}

function missing({ outcome, reason }: FinishedRun): string {
  return reason === "" ? outcome : `${outcome}: ${reason}`;
}
