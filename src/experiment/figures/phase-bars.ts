import { formatDuration } from "../duration.js";
import type { Experiment } from "../experiment.js";
import { downtimeOf, type FinishedRun } from "../finished-run.js";
import { gapsOf, longestGap } from "../gaps.js";
import { type Figure, type Paper, paintFigure } from "./canvas.js";
import { type GuestRows, NAMES_WIDTH, placeRows, rowsHeight, writeNames } from "./guest-rows.js";
import { FAINT_INK, phaseColours } from "./palette.js";
import {
  drawTimeAxis,
  fromZero,
  HEADING_HEIGHT,
  type Scale,
  textWidth,
  TIME_AXIS_HEIGHT,
  write,
  writeHeading,
} from "./paint.js";

const WIDTH = 1000;
const NOTES_WIDTH = 70;
const BAR_HEIGHT = 16;
const LEGEND_LINE = 20;
const PANEL_TITLE = 26;
const BETWEEN_PANELS = 26;

/** Downtimes from here on are drawn in a panel of their own: on one scale the short ones could not be seen. */
const LONG_MS = 1000;

/** Runs on one scale. */
interface Panel {
  readonly title: string;
  readonly unit: "s" | "ms";
  readonly runs: readonly FinishedRun[];
}

/** The downtime of each committed run as a bar of its phases; long and short ones on scales of their own. */
export function phasesFigure(
  { title, subtitle }: Pick<Experiment, "title" | "subtitle">,
  runs: readonly FinishedRun[],
): Figure {
  const isLong = (run: FinishedRun): boolean => (downtimeOf(run) ?? 0) >= LONG_MS;
  const committed = runs.filter((run) => downtimeOf(run) !== null);
  const panels: Panel[] = [
    { title: "Downtimes of a second and more", unit: "s" as const, runs: committed.filter(isLong) },
    {
      title: "Downtimes below a second",
      unit: "ms" as const,
      runs: committed.filter((run) => !isLong(run)),
    },
  ].filter((panel) => panel.runs.length > 0);
  const height = panels.reduce(
    (sum, panel) => sum + panelHeight(panel) + BETWEEN_PANELS,
    HEADING_HEIGHT,
  );
  const paint = (paper: Paper): void => {
    writeHeading(paper, title, subtitle);
    let top = HEADING_HEIGHT;
    for (const panel of panels) {
      drawPanel(paper, panel, top);
      top += panelHeight(panel) + BETWEEN_PANELS;
    }
  };
  return paintFigure(paint, { width: WIDTH, height });
}

function panelHeight(panel: Panel): number {
  const legend = legendOf(panel).length * LEGEND_LINE + 8;
  return PANEL_TITLE + legend + rowsHeight(panel.runs) + TIME_AXIS_HEIGHT;
}

function drawPanel(paper: Paper, panel: Panel, top: number): void {
  write(paper, panel.title, 12, top + 10, { size: 14, bold: true });
  const colourOf = phaseColours(phasesOf(panel));
  const legend = legendOf(panel);
  for (const [index, names] of legend.entries()) {
    drawLegend(paper, names, colourOf, top + PANEL_TITLE + (index + 0.5) * LEGEND_LINE);
  }
  const from = top + PANEL_TITLE + legend.length * LEGEND_LINE + 8;
  const to = from + rowsHeight(panel.runs);
  const scale = fromZero(
    Math.max(...panel.runs.map((run) => downtimeOf(run) ?? 0)),
    { from: NAMES_WIDTH, to: WIDTH - NOTES_WIDTH },
    panel.unit === "s" ? 1000 : 1,
  );
  drawTimeAxis(paper, scale, { from, to }, `downtime in virtual time (${panel.unit})`);
  const guests = placeRows(panel.runs, from);
  writeNames(paper, guests, WIDTH);
  drawBars(paper, guests, scale, colourOf);
}

function drawBars(
  paper: Paper,
  guests: readonly GuestRows[],
  { place }: Scale,
  colourOf: (name: string) => string,
): void {
  for (const { run, y } of guests.flatMap(({ rows }) => rows)) {
    const gap = longestGap(gapsOf(run.found?.summary.phases ?? []));
    for (const phase of gap?.phases ?? []) {
      const left = place(phase.startMs - (gap?.startMs ?? 0));
      const right = place(phase.endMs - (gap?.startMs ?? 0));
      paper.fillStyle = colourOf(phase.name);
      paper.fillRect(left, y - BAR_HEIGHT / 2, right - left, BAR_HEIGHT);
      // A line between phases tells neighbours of similar lightness apart.
      paper.fillStyle = "#ffffff";
      if (right - left > 2) paper.fillRect(right - 0.8, y - BAR_HEIGHT / 2, 0.8, BAR_HEIGHT);
      const room = right - left - 6;
      if (textWidth(paper, phase.name, 10) <= room) {
        write(paper, phase.name, (left + right) / 2, y, { size: 10, align: "center" });
      }
    }
    const downtime = downtimeOf(run) ?? 0;
    write(paper, formatDuration(downtime), place(downtime) + 6, y, { colour: FAINT_INK });
  }
}

function drawLegend(
  paper: Paper,
  names: readonly string[],
  colourOf: (name: string) => string,
  y: number,
): void {
  let x = NAMES_WIDTH;
  for (const name of names) {
    paper.fillStyle = colourOf(name);
    paper.fillRect(x, y - 7, 14, 14);
    write(paper, name, x + 20, y);
    x += legendWidth(name);
  }
}

/** The phases of the longest gaps only: colours are few. */
function phasesOf({ runs }: Panel) {
  return runs.map(({ found }) => ({
    phases: longestGap(gapsOf(found?.summary.phases ?? []))?.phases ?? [],
  }));
}

/** The names of the phases in lines that are not wider than the bars. */
function legendOf(panel: Panel): string[][] {
  const names = new Set(phasesOf(panel).flatMap(({ phases }) => phases.map(({ name }) => name)));
  const lines: string[][] = [[]];
  let width = 0;
  for (const name of names) {
    width += legendWidth(name);
    if (width > WIDTH - NAMES_WIDTH) {
      lines.push([]);
      width = legendWidth(name);
    }
    lines.at(-1)?.push(name);
  }
  return lines;
}

/** Room for a name beside its colour. */
function legendWidth(name: string): number {
  return 20 + name.length * 7.6 + 18;
}
