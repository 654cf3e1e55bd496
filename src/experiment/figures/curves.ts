import type { Experiment, FigurePlan } from "../experiment.js";
import type { FinishedRun } from "../finished-run.js";
import { type Figure, type Paper, paintFigure } from "./canvas.js";
import { GRID, INK, MARKS } from "./palette.js";
import {
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

/** A point of a curve. */
// An interface could not be written as a row of values: others may add to it.
type Point = Readonly<{ curve: string; x: string; y: number }>;

const WIDTH = 900;
const PLOT = { left: 78, right: WIDTH - 24, top: HEADING_HEIGHT + 34, bottom: 420 };
/** Room above the highest point, as a part of it. */
const HEADROOM = 0.12;

/** A quantity of runs over another; runs that are alike in all else are joined. */
export function curvesFigure(
  { title, subtitle }: Pick<Experiment, "title" | "subtitle">,
  runs: readonly FinishedRun[],
  plan: CurvesPlan,
): Figure {
  const points = pointsOf(runs, plan);
  const steps = [...new Set(points.map(({ x }) => x))];
  const curves = [...new Set(points.map(({ curve }) => curve))];
  const paint = (paper: Paper): void => {
    writeHeading(paper, title, subtitle);
    drawLegend(paper, curves);
    const most = Math.max(0, ...points.map(({ y }) => y)) * (1 + HEADROOM);
    const scale = fromZero(most, { from: PLOT.bottom, to: PLOT.top });
    for (const { value, label } of scale.ticks) {
      const y = scale.place(value);
      line(paper, [PLOT.left, y], [PLOT.right, y], GRID);
      write(paper, label, PLOT.left - 8, y, { align: "right" });
    }
    const placeX = (x: string): number =>
      PLOT.left + ((steps.indexOf(x) + 0.5) / steps.length) * (PLOT.right - PLOT.left);
    line(paper, [PLOT.left, PLOT.bottom], [PLOT.right, PLOT.bottom], INK);
    for (const step of steps) {
      write(paper, step, placeX(step), PLOT.bottom + 14, { align: "center" });
    }
    const middle = (PLOT.left + PLOT.right) / 2;
    write(paper, plan.x.title, middle, PLOT.bottom + 36, { align: "center" });
    writeUpwards(paper, plan.y.title);
    for (const [kind, curve] of curves.entries()) {
      const colour = colourOf(kind);
      const places = points
        .filter((point) => point.curve === curve)
        .map(({ x, y }) => [placeX(x), scale.place(y)] as const);
      for (const [index, place] of places.entries()) {
        const before = places[index - 1];
        if (before) line(paper, before, place, colour, 2);
      }
      for (const [x, y] of places) mark(paper, kind, x, y, colour);
    }
  };
  return paintFigure(paint, { width: WIDTH, height: PLOT.bottom + TIME_AXIS_HEIGHT + 6 });
}

/** What the figure shows, one line a run that is in it. */
export function pointsOf(runs: readonly FinishedRun[], { x, y, curve }: CurvesPlan): Point[] {
  return runs.flatMap((run) => {
    const place = x.of(run);
    const value = y.of(run);
    return place === null || value === null
      ? []
      : [{ curve: curve(run), x: String(place), y: value }];
  });
}

function drawLegend(paper: Paper, curves: readonly string[]): void {
  let x = PLOT.left;
  for (const [kind, curve] of curves.entries()) {
    const y = HEADING_HEIGHT + 8;
    line(paper, [x, y], [x + 28, y], colourOf(kind), 2);
    mark(paper, kind, x + 14, y, colourOf(kind));
    write(paper, curve, x + 36, y);
    x += 36 + textWidth(paper, curve) + 28;
  }
}

function writeUpwards(paper: Paper, text: string): void {
  paper.save();
  paper.translate(18, (PLOT.top + PLOT.bottom) / 2);
  paper.rotate(-Math.PI / 2);
  write(paper, text, 0, 0, { align: "center" });
  paper.restore();
}

function colourOf(kind: number): string {
  return MARKS[kind % MARKS.length] ?? MARKS[0];
}
