/** What figures that are painted by hand have in common: texts, and axes with their grid. */
import { formatDuration } from "../duration.js";
import { FONT_FAMILY, type Paper } from "./canvas.js";
import { FAINT_INK, GRID, INK } from "./palette.js";

/** How a text stands. */
export interface TextStyle {
  readonly size?: number;
  readonly bold?: boolean;
  readonly colour?: string;
  readonly align?: "left" | "center" | "right";
}

/** Writes a text whose middle line is at `y`. */
export function write(
  paper: Paper,
  text: string,
  x: number,
  y: number,
  { size = 12, bold = false, colour = INK, align = "left" }: TextStyle = {},
): void {
  paper.font = fontOf(size, bold);
  paper.fillStyle = colour;
  paper.textAlign = align;
  paper.textBaseline = "middle";
  paper.fillText(text, x, y);
}

/** How wide a text will be. */
export function textWidth(paper: Paper, text: string, size = 12, bold = false): number {
  paper.font = fontOf(size, bold);
  return paper.measureText(text).width;
}

function fontOf(size: number, bold: boolean): string {
  return `${bold ? "bold " : ""}${size}px "${FONT_FAMILY}"`;
}

/** A text that is cut at its end, and says so, where it would be wider than `room`. */
export function shortened(paper: Paper, text: string, room: number, size = 12): string {
  if (textWidth(paper, text, size) <= room) return text;
  let end = text.length;
  while (end > 0 && textWidth(paper, `${text.slice(0, end)}…`, size) > room) end--;
  return `${text.slice(0, end).trimEnd()}…`;
}

/** Title and subtitle; what they take of the height. */
export const HEADING_HEIGHT = 64;

/** Writes title and subtitle at the top. */
export function writeHeading(paper: Paper, title: string, subtitle: string): void {
  write(paper, title, 12, 22, { size: 17, bold: true });
  write(paper, subtitle, 12, 46, { size: 13, colour: FAINT_INK });
}

/** A scale from values to places on the paper. */
export interface Scale {
  readonly place: (value: number) => number;
  readonly ticks: readonly { readonly value: number; readonly label: string }[];
}

/** Ends of a scale on the paper. */
export interface Extent {
  readonly from: number;
  readonly to: number;
}

/** A logarithmic scale of durations in ms, with whole decades that hold all values. */
export function decades(values: readonly number[], { from, to }: Extent): Scale {
  const positive = values.filter((value) => value > 0);
  const low = Math.floor(Math.log10(Math.min(...positive, 10)));
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...positive, 1000))));
  const place = (value: number): number =>
    from + ((Math.log10(value) - low) / (high - low)) * (to - from);
  const ticks = Array.from({ length: high - low + 1 }, (_, index) => {
    const value = 10 ** (low + index);
    return { value, label: decadeLabel(value) };
  });
  return { place, ticks };
}

function decadeLabel(ms: number): string {
  return ms >= 1000 ? `${ms / 1000} s` : formatDuration(ms);
}

/** A linear scale from zero; its ticks are 1, 2 or 5 times a power of ten apart. */
export function fromZero(most: number, { from, to }: Extent, unit = 1): Scale {
  const top = (most || unit) / unit;
  const raw = top / 6;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = ([1, 2, 5].find((factor) => factor * power >= raw) ?? 10) * power;
  const place = (value: number): number => from + (value / unit / top) * (to - from);
  const count = Math.floor(top / step + 1e-9) + 1;
  const ticks = Array.from({ length: count }, (_, index) => ({
    value: index * step * unit,
    label: `${Number((index * step).toPrecision(6))}`,
  }));
  return { place, ticks };
}

/** Draws the grid of a horizontal scale and its labels below. */
export function drawTimeAxis(paper: Paper, scale: Scale, rows: Extent, title: string): void {
  for (const { value, label } of scale.ticks) {
    const x = scale.place(value);
    line(paper, [x, rows.from], [x, rows.to], GRID);
    write(paper, label, x, rows.to + 13, { align: "center" });
  }
  const places = scale.ticks.map(({ value }) => scale.place(value));
  const middle = (Math.min(...places) + Math.max(...places)) / 2;
  write(paper, title, middle, rows.to + 34, { align: "center" });
}

/** What an axis with its title takes below its rows. */
export const TIME_AXIS_HEIGHT = 48;

/** A straight line. */
export function line(
  paper: Paper,
  [x1, y1]: readonly [number, number],
  [x2, y2]: readonly [number, number],
  colour: string,
  width = 1,
): void {
  paper.strokeStyle = colour;
  paper.lineWidth = width;
  paper.beginPath();
  paper.moveTo(x1, y1);
  paper.lineTo(x2, y2);
  paper.stroke();
}

/** Marks that differ in shape as well as in colour. */
export function mark(paper: Paper, kind: number, x: number, y: number, colour: string): void {
  const radius = 5.5;
  const corners = [0, 4, 3, 4][kind % 4] ?? 0;
  const turn = kind % 4 === 3 ? Math.PI / 4 : 0;
  paper.fillStyle = colour;
  paper.beginPath();
  if (corners === 0) paper.arc(x, y, radius, 0, 2 * Math.PI);
  for (let corner = 0; corner < corners; corner++) {
    const angle = turn + (2 * Math.PI * corner) / corners - Math.PI / 2;
    paper.lineTo(x + 1.2 * radius * Math.cos(angle), y + 1.2 * radius * Math.sin(angle));
  }
  paper.closePath();
  paper.fill();
}
