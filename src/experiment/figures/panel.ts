/**
 * The one kind of chart that all figures are: spans of time as bars on lanes, with their names on them
 * or beside them, in one panel or in two of which the second enlarges a part of the first.
 */

/** A span of time with a name. */
export interface Segment {
  /** What stands on the bar, or beside it where it is too narrow; nothing if empty. */
  readonly label: string;
  readonly fromMs: number;
  readonly toMs: number;
  readonly colour: string;
}

/** A row of a panel. */
export interface Lane {
  readonly name: string;
  readonly segments: readonly Segment[];
  /** Spans behind the segments; a label that does not fit into one is left out. */
  readonly background?: readonly Segment[];
  /** A text behind the last segment. */
  readonly note?: string;
}

/** A span that is shaded across all lanes of a panel. */
export interface Shade {
  readonly label: string;
  readonly fromMs: number;
  readonly toMs: number;
}

/** Lanes that share an axis of time. All times of a figure count from the same moment. */
export interface Panel {
  readonly lanes: readonly Lane[];
  readonly shades?: readonly Shade[];
  readonly laneHeight: number;
  readonly axisTitle: string;
  readonly fromMs: number;
  readonly toMs: number;
  /** The moment that the axis calls zero. */
  readonly originMs: number;
  /** Milliseconds in one unit of the axis: 1 or 1000. */
  readonly unitMs: number;
}

/** All that {@link lanesFigure} draws. */
export interface LanesChart {
  readonly title: string;
  readonly subtitle: string;
  readonly overview: Panel;
  /** An enlarged part of the overview. */
  readonly detail?: Panel;
}

/** Thickness of a bar, in units of the figure. */
export const BAR_HEIGHT = 30;

/** A moment as the panel's axis counts it. */
export function onAxis({ originMs, unitMs }: Panel, ms: number): number {
  return (ms - originMs) / unitMs;
}
