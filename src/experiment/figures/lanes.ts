import type { ChartConfiguration, ChartDataset, ChartOptions } from "chart.js";
import { annotations } from "./annotations.js";
import { drawFigure } from "./canvas.js";
import type { Figure } from "./canvas.js";
import { FAINT_INK, INK } from "./palette.js";
import { BAR_HEIGHT, onAxis } from "./panel.js";
import type { LanesChart, Panel, Segment } from "./panel.js";

const WIDTH = 900;
const TITLE_HEIGHT = 66;
const AXIS_HEIGHT = 50;
const BETWEEN_PANELS = 44;
/** Of a name of a lane: bold, 13 units high. */
const CHARACTER_WIDTH = 8.4;
const AXIS_FONT = { size: 12 };

/** Draws the chart, 900 units wide and as high as its lanes need. */
export function lanesFigure(chart: LanesChart): Figure {
  const panels = panelsOf(chart);
  const height =
    TITLE_HEIGHT +
    panels.reduce((sum, panel) => sum + AXIS_HEIGHT + panelHeight(panel), 0) +
    (panels.length - 1) * BETWEEN_PANELS;
  return drawFigure(() => configOf(chart), { width: WIDTH, height });
}

function panelsOf({ overview, detail }: LanesChart): Panel[] {
  return detail ? [overview, detail] : [overview];
}

function panelHeight({ lanes, laneHeight }: Panel): number {
  return lanes.length * laneHeight;
}

function configOf(chart: LanesChart): ChartConfiguration<"bar"> {
  const panels = panelsOf(chart);
  const namesWidth = widthOfNames(panels);
  const scales = Object.fromEntries(
    panels
      .flatMap((panel, index) => [
        ...(index > 0 ? [["yBetween", spacer(namesWidth)] as const] : []),
        [`y${index}`, laneAxis(panel, namesWidth)] as const,
        [`x${index}`, timeAxis(panel, index < panels.length - 1 ? "top" : "bottom")] as const,
      ])
      // chart.js piles the axes of a stack from the bottom.
      .reverse(),
  );
  return {
    type: "bar",
    data: { labels: [], datasets: panels.flatMap(datasetsOf) },
    options: {
      indexAxis: "y",
      layout: { padding: { left: 8, right: 16, top: 4, bottom: 4 } },
      scales,
      plugins: {
        title: {
          display: true,
          text: chart.title,
          align: "start",
          font: { size: 17 },
          padding: { top: 4, bottom: 4 },
        },
        subtitle: {
          display: true,
          text: chart.subtitle,
          align: "start",
          color: FAINT_INK,
          font: { size: 13 },
          padding: { bottom: 12 },
        },
      },
    },
    plugins: [annotations(chart)],
  };
}

type Axis = NonNullable<NonNullable<ChartOptions<"bar">["scales"]>[string]>;

function timeAxis(panel: Panel, position: "top" | "bottom"): Axis {
  return {
    type: "linear",
    position,
    min: onAxis(panel, panel.fromMs),
    max: onAxis(panel, panel.toMs),
    title: { display: true, text: panel.axisTitle, font: AXIS_FONT },
    ticks: { includeBounds: false, font: AXIS_FONT },
    grid: { drawOnChartArea: false },
  };
}

function laneAxis(panel: Panel, namesWidth: number): Axis {
  return {
    type: "category",
    labels: panel.lanes.map((lane) => lane.name),
    stack: "panels",
    stackWeight: panelHeight(panel),
    offset: true,
    ticks: { color: INK, font: { size: 13, weight: "bold" }, autoSkip: false },
    grid: { display: false },
    border: { display: false },
    afterFit: (axis) => {
      axis.width = namesWidth;
    },
  };
}

/** Enough for the longest name; chart.js by itself gives stacked axes too little for a long one. */
function widthOfNames(panels: readonly Panel[]): number {
  const lengths = panels.flatMap(({ lanes }) => lanes.map(({ name }) => name.length));
  return 16 + CHARACTER_WIDTH * Math.max(0, ...lengths);
}

/** An axis without anything on it: the room between the two panels. */
function spacer(namesWidth: number): Axis {
  return {
    type: "category",
    labels: [],
    stack: "panels",
    stackWeight: BETWEEN_PANELS,
    ticks: { display: false },
    grid: { display: false },
    border: { display: false },
    afterFit: (axis) => {
      axis.width = namesWidth;
    },
  };
}

/** A dataset a segment: chart.js draws the first of them on top. */
function datasetsOf(panel: Panel, index: number): ChartDataset<"bar">[] {
  const dataset = ({ fromMs, toMs, colour }: Segment, lane: number): ChartDataset<"bar"> => ({
    data: panel.lanes.map((_, i) =>
      i === lane ? [onAxis(panel, fromMs), onAxis(panel, toMs)] : null,
    ),
    backgroundColor: colour,
    barThickness: BAR_HEIGHT,
    minBarLength: 1.5,
    grouped: false,
    xAxisID: `x${index}`,
    yAxisID: `y${index}`,
  });
  return [
    ...panel.lanes.flatMap((lane, i) => lane.segments.map((segment) => dataset(segment, i))),
    ...panel.lanes.flatMap((lane, i) => lane.background?.map((part) => dataset(part, i)) ?? []),
  ];
}
