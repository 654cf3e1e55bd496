import type { Chart, Plugin, Scale } from "chart.js";
import { FONT_FAMILY } from "./canvas.js";
import { rowWidth, spreadLabels } from "./labels.js";
import { DOWNTIME, DOWNTIME_INK, FAINT_INK, GRID, INK, ZOOM } from "./palette.js";
import { BAR_HEIGHT, onAxis } from "./panel.js";
import type { Lane, LanesChart, Panel, Segment, Shade } from "./panel.js";

const TEXT = `12px "${FONT_FAMILY}"`;
const BOLD_TEXT = `bold 12px "${FONT_FAMILY}"`;
const PADDING = 6;
const LABEL_GAP = 14;
/** From the lower edge of a bar to the middle of the texts beside it. */
const LABEL_DROP = 20;
const NARROWEST_SHADE = 2;
/** A shade narrower than this is drawn in full colour: a pale one could not be seen. */
const NARROW_SHADE = 5;

/** A panel with the axes that chart.js made for it. */
interface PlacedPanel {
  readonly panel: Panel;
  readonly x: Scale;
  readonly y: Scale;
}

/** Draws what bars do not say: grid, shades, the link between the two panels, and every name. */
export function annotations({ overview, detail }: LanesChart): Plugin<"bar"> {
  const placed = (chart: Chart<"bar">): PlacedPanel[] =>
    [overview, ...(detail ? [detail] : [])].flatMap((panel, index) => {
      const x = chart.scales[`x${index}`];
      const y = chart.scales[`y${index}`];
      return x && y ? [{ panel, x, y }] : [];
    });
  return {
    id: "annotations",
    beforeDatasetsDraw(chart) {
      const panels = placed(chart);
      const [first, second] = panels;
      if (first && second) drawZoom(chart.ctx, first, second);
      for (const panel of panels) {
        drawGrid(chart.ctx, panel);
        drawShades(chart.ctx, panel);
      }
    },
    afterDatasetsDraw(chart) {
      for (const panel of placed(chart)) {
        drawShadeLabels(chart.ctx, panel);
        panel.panel.lanes.forEach((lane, index) => {
          drawLane(chart.ctx, panel, lane, panel.y.getPixelForValue(index));
        });
      }
    },
  };
}

type Context = CanvasRenderingContext2D;

/** Where a moment lies on the canvas, kept inside the panel. */
function pixelOf({ panel, x }: PlacedPanel, ms: number): number {
  return Math.min(x.right, Math.max(x.left, x.getPixelForValue(onAxis(panel, ms))));
}

function drawGrid(context: Context, { x, y }: PlacedPanel): void {
  context.strokeStyle = GRID;
  context.lineWidth = 1;
  x.ticks.forEach((_, index) => {
    const at = Math.round(x.getPixelForTick(index)) + 0.5;
    line(context, [at, y.top], [at, y.bottom]);
  });
}

/** The part of the overview that the detail enlarges, as a wedge between the two. */
function drawZoom(context: Context, overview: PlacedPanel, detail: PlacedPanel): void {
  const { fromMs, toMs } = detail.panel;
  const from = pixelOf(overview, fromMs);
  const to = Math.max(from + NARROWEST_SHADE, pixelOf(overview, toMs));
  context.fillStyle = ZOOM;
  context.beginPath();
  context.moveTo(from, overview.y.bottom);
  context.lineTo(to, overview.y.bottom);
  context.lineTo(detail.x.right, detail.y.top);
  context.lineTo(detail.x.left, detail.y.top);
  context.closePath();
  context.fill();
}

function drawShades(context: Context, placed: PlacedPanel): void {
  for (const shade of placed.panel.shades ?? []) {
    const { left, right } = edgesOf(placed, shade);
    context.fillStyle = right - left < NARROW_SHADE ? DOWNTIME_INK : DOWNTIME;
    context.fillRect(left, placed.y.top, right - left, placed.y.bottom - placed.y.top);
  }
}

function edgesOf(placed: PlacedPanel, { fromMs, toMs }: Shade): { left: number; right: number } {
  const left = pixelOf(placed, fromMs);
  return { left, right: Math.max(left + NARROWEST_SHADE, pixelOf(placed, toMs)) };
}

function drawShadeLabels(context: Context, placed: PlacedPanel): void {
  context.font = BOLD_TEXT;
  context.fillStyle = DOWNTIME_INK;
  const shades = (placed.panel.shades ?? []).filter((shade) => shade.label !== "");
  const wanted = shades.map((shade) => {
    const { left, right } = edgesOf(placed, shade);
    return { centre: (left + right) / 2, width: context.measureText(shade.label).width };
  });
  const lefts = spreadLabels(
    wanted,
    { from: placed.x.left + PADDING, to: placed.x.right - PADDING },
    LABEL_GAP,
  );
  shades.forEach(({ label }, index) => {
    textOnPaper(context, placed, label, lefts[index] ?? 0, placed.y.top + 14);
  });
}

function drawLane(context: Context, placed: PlacedPanel, lane: Lane, middle: number): void {
  context.font = TEXT;
  const beside: Segment[] = [];
  for (const segment of lane.segments) {
    if (segment.label === "") continue;
    if (!drawInside(context, placed, segment, middle, INK)) beside.push(segment);
  }
  for (const segment of lane.background ?? []) {
    drawInside(context, placed, segment, middle, FAINT_INK);
  }
  drawBeside(context, placed, beside, middle + BAR_HEIGHT / 2);
  if (lane.note !== undefined) {
    const end = Math.max(
      placed.x.left,
      ...lane.segments.map((segment) => pixelOf(placed, segment.toMs)),
    );
    context.font = BOLD_TEXT;
    context.fillStyle = INK;
    textOnPaper(context, placed, lane.note, end + 8, middle);
  }
}

/** @returns whether the label fits on its bar */
function drawInside(
  context: Context,
  placed: PlacedPanel,
  { label, fromMs, toMs }: Segment,
  middle: number,
  colour: string,
): boolean {
  const from = pixelOf(placed, fromMs);
  const to = pixelOf(placed, toMs);
  const { width } = context.measureText(label);
  if (width + 2 * PADDING > to - from) return false;
  context.fillStyle = colour;
  text(context, label, (from + to - width) / 2, middle);
  return true;
}

/** Labels below the lane, each with a line from its bar; the shortest spans go without if all do not fit. */
function drawBeside(
  context: Context,
  placed: PlacedPanel,
  segments: readonly Segment[],
  barBottom: number,
): void {
  const { left, right } = placed.x;
  const room = right - left;
  const labelOf = (segment: Segment) => ({
    centre: (pixelOf(placed, segment.fromMs) + pixelOf(placed, segment.toMs)) / 2,
    width: context.measureText(segment.label).width,
  });
  const kept = [...segments].sort((a, b) => a.fromMs - b.fromMs);
  while (kept.length > 1 && rowWidth(kept.map(labelOf), LABEL_GAP) > room) {
    const lengths = kept.map(({ fromMs, toMs }) => toMs - fromMs);
    kept.splice(lengths.indexOf(Math.min(...lengths)), 1);
  }
  const wanted = kept.map(labelOf);
  const lefts = spreadLabels(wanted, { from: left, to: right }, LABEL_GAP);
  kept.forEach(({ label }, index) => {
    const { centre, width } = wanted[index] ?? { centre: 0, width: 0 };
    const labelLeft = lefts[index] ?? 0;
    context.strokeStyle = FAINT_INK;
    context.lineWidth = 1;
    line(context, [centre, barBottom + 1], [labelLeft + width / 2, barBottom + LABEL_DROP - 8]);
    context.fillStyle = INK;
    textOnPaper(context, placed, label, labelLeft, barBottom + LABEL_DROP);
  });
}

type Point = readonly [x: number, y: number];

function line(context: Context, from: Point, to: Point): void {
  context.beginPath();
  context.moveTo(...from);
  context.lineTo(...to);
  context.stroke();
}

function text(context: Context, content: string, left: number, middle: number): void {
  context.textAlign = "left";
  context.textBaseline = "middle";
  context.fillText(content, left, middle);
}

/** Writes beside the bars; on white with a white rim, so that no line runs through the text. */
function textOnPaper(
  context: Context,
  placed: PlacedPanel,
  content: string,
  left: number,
  middle: number,
): void {
  const right = left + context.measureText(content).width;
  const onShade = (placed.panel.shades ?? [])
    .map((shade) => edgesOf(placed, shade))
    .some(
      (edges) =>
        edges.right - edges.left >= NARROW_SHADE && edges.left < right && edges.right > left,
    );
  if (!onShade) {
    context.textAlign = "left";
    context.textBaseline = "middle";
    context.strokeStyle = "#ffffff";
    context.lineWidth = 4;
    context.lineJoin = "round";
    context.strokeText(content, left, middle);
  }
  text(context, content, left, middle);
}
