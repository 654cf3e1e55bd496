import type { Axis, Experiment, FigurePlan } from "../experiment.js";
import type { FinishedRun } from "../finished-run.js";
import { type Figure, type Paper, paintFigure } from "./canvas.js";
import { GRID, INK, MARKS } from "./palette.js";
import {
  type Extent,
  fromZero,
  HEADING_HEIGHT,
  line,
  mark,
  textWidth,
  TIME_AXIS_HEIGHT,
  write,
  writeHeading,
} from "./paint.js";

type CurvesPlan = Extract<FigurePlan, { readonly kind: "curves" }>;

/** What a run has to show: its curve, its step, and a value for each panel, or null. */
interface Point {
  readonly curve: string;
  readonly x: string;
  readonly values: readonly (number | null)[];
}

const WIDTH = 900;
const LEFT = 78;
const RIGHT = WIDTH - 24;
const TOP = HEADING_HEIGHT + 30;
const PANEL_HEIGHT = 250;
/** What lies between two panels: the steps' names, and the title of the panel below. */
const PANEL_GAP = 62;
/** Room above the highest point, as a part of it. */
const HEADROOM = 0.12;

/** Quantities of runs over another, a panel each; runs that are alike in all else are joined. */
export function curvesFigure(
  { title, subtitle }: Pick<Experiment, "title" | "subtitle">,
  runs: readonly FinishedRun[],
  plan: CurvesPlan,
): Figure {
  const points = pointsOf(runs, plan);
  const steps = [...new Set(points.map(({ x }) => x))];
  const curves = [...new Set(points.map(({ curve }) => curve))];
  const bottomOf = (panel: number): number =>
    TOP + PANEL_GAP / 2 + PANEL_HEIGHT + panel * (PANEL_HEIGHT + PANEL_GAP);
  const placeX = (x: string): number =>
    LEFT + ((steps.indexOf(x) + 0.5) / steps.length) * (RIGHT - LEFT);

  const paint = (paper: Paper): void => {
    writeHeading(paper, title, subtitle);
    drawLegend(paper, curves);
    for (const [panel, axis] of plan.y.entries()) {
      const bottom = bottomOf(panel);
      for (const step of steps) write(paper, step, placeX(step), bottom + 14, { align: "center" });
      const places = drawScale(paper, axis, valuesOf(points, panel), {
        from: bottom,
        to: bottom - PANEL_HEIGHT,
      });
      for (const [kind, curve] of curves.entries()) {
        const of = points.filter((point) => point.curve === curve);
        drawCurve(
          paper,
          kind,
          of.flatMap(({ x, values }) => {
            const value = values[panel] ?? null;
            return value === null ? [] : [[placeX(x), places(value)] as const];
          }),
        );
      }
    }
    const below = bottomOf(plan.y.length - 1) + 36;
    write(paper, plan.x.title, (LEFT + RIGHT) / 2, below, { align: "center" });
  };
  return paintFigure(paint, {
    width: WIDTH,
    height: bottomOf(plan.y.length - 1) + TIME_AXIS_HEIGHT + 6,
  });
}

/** What the figure shows as rows for a table: one for each run that is in it, with the axes' titles as names. */
export function curveRows(
  runs: readonly FinishedRun[],
  plan: CurvesPlan,
): Record<string, string | number | null>[] {
  return pointsOf(runs, plan).map(({ curve, x, values }) => ({
    curve,
    [plan.x.title]: x,
    ...Object.fromEntries(plan.y.map(({ title }, panel) => [title, values[panel] ?? null])),
  }));
}

function pointsOf(runs: readonly FinishedRun[], { x, y, curve }: CurvesPlan): Point[] {
  return runs.flatMap((run) => {
    const place = x.of(run);
    const values = y.map(({ of }) => rounded(of(run)));
    const isShown = place !== null && values.some((value) => value !== null);
    return isShown ? [{ curve: curve(run), x: String(place), values }] : [];
  });
}

/** Finer digits are noise of floating point. */
function rounded(value: number | null): number | null {
  return value === null ? null : Number(value.toFixed(6));
}

function valuesOf(points: readonly Point[], panel: number): number[] {
  return points.flatMap(({ values }) => values[panel] ?? []);
}

/** Draws the grid of a panel and its title, and says where a value lies. */
function drawScale(
  paper: Paper,
  { title }: Axis<number>,
  values: readonly number[],
  extent: Extent,
): (value: number) => number {
  const { place, ticks } = fromZero(Math.max(0, ...values) * (1 + HEADROOM), extent);
  for (const { value, label } of ticks) {
    const y = place(value);
    line(paper, [LEFT, y], [RIGHT, y], GRID);
    write(paper, label, LEFT - 8, y, { align: "right" });
  }
  line(paper, [LEFT, extent.from], [RIGHT, extent.from], INK);
  write(paper, title, LEFT, extent.to - 14, { bold: true });
  return place;
}

function drawCurve(
  paper: Paper,
  kind: number,
  places: readonly (readonly [x: number, y: number])[],
): void {
  const colour = colourOf(kind);
  for (const [index, place] of places.entries()) {
    const before = places[index - 1];
    if (before) line(paper, before, place, colour, 2);
  }
  for (const [x, y] of places) mark(paper, kind, x, y, colour);
}

function drawLegend(paper: Paper, curves: readonly string[]): void {
  let x = LEFT;
  for (const [kind, curve] of curves.entries()) {
    const y = HEADING_HEIGHT + 8;
    line(paper, [x, y], [x + 28, y], colourOf(kind), 2);
    mark(paper, kind, x + 14, y, colourOf(kind));
    write(paper, curve, x + 36, y);
    x += 36 + textWidth(paper, curve) + 28;
  }
}

function colourOf(kind: number): string {
  return MARKS[kind % MARKS.length] ?? MARKS[0];
}
