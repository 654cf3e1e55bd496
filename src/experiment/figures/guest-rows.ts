import type { FinishedRun } from "../finished-run.js";
import type { Paper } from "./canvas.js";
import { GRID } from "./palette.js";
import { type Extent, line, write } from "./paint.js";

/** A run on a row of its own. */
export interface Row {
  readonly run: FinishedRun;
  /** Middle of the row. */
  readonly y: number;
}

/** The runs of a guest, one below the other. */
export interface GuestRows {
  readonly guest: string;
  readonly rows: readonly Row[];
  readonly extent: Extent;
}

/** In CSS pixels. */
export const ROW_HEIGHT = 22;
const GUEST_GAP = 10;

/** Where the names of guests and of strategies begin. */
const GUEST_X = 12;
const STRATEGY_X = 118;

/** Where the space right of the names begins. */
export const NAMES_WIDTH = 262;

/** Places runs from `top` downwards, guest by guest in the order of the runs. */
export function placeRows(runs: readonly FinishedRun[], top: number): GuestRows[] {
  let y = top;
  return [...new Set(runs.map(({ guest }) => guest))].map((guest) => {
    const from = y;
    const rows = runs
      .filter((run) => run.guest === guest)
      .map((run, index) => ({ run, y: from + (index + 0.5) * ROW_HEIGHT }));
    const to = from + rows.length * ROW_HEIGHT;
    y = to + GUEST_GAP;
    return { guest, rows, extent: { from, to } };
  });
}

/** What `placeRows` takes of the height. */
export function rowsHeight(runs: readonly FinishedRun[]): number {
  const guests = new Set(runs.map(({ guest }) => guest)).size;
  return runs.length * ROW_HEIGHT + Math.max(0, guests - 1) * GUEST_GAP;
}

/** Writes the names left of the rows, and lines between the guests. */
export function writeNames(paper: Paper, guests: readonly GuestRows[], width: number): void {
  for (const [index, { guest, rows, extent }] of guests.entries()) {
    const [first] = rows;
    if (first) write(paper, guest, GUEST_X, first.y, { size: 13, bold: true });
    for (const { run, y } of rows) write(paper, run.strategy, STRATEGY_X, y);
    const above = extent.from - GUEST_GAP / 2;
    if (index > 0) line(paper, [GUEST_X, above], [width - GUEST_X, above], GRID);
  }
}
