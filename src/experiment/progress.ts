/**
 * What a person sees while the program works.
 *
 * References:
 * - ECMA-48 8.3.41, EL (erase in line): "ESC [ K" from the cursor to the end of the line
 */
import { formatDuration } from "./duration.js";

/** How far the work is. */
export interface ProgressEvent {
  /** What is being done, for a person: `fetch linux-image-6.1.0-50-686`. */
  readonly step: string;
  readonly done?: number;
  /** Where `done` is going; absent where nobody knows. */
  readonly total?: number;
  /** What `done` and `total` count; mere numbers if absent. */
  readonly unit?: "bytes" | "ms";
  readonly detail?: string;
  /** The steps of all work under way, this one included, if there is more than one. */
  readonly allSteps?: readonly string[];
}

/** A line that follows the work. */
export interface ProgressLine {
  readonly show: (event: ProgressEvent) => void;
  /** Takes the line away, so that other output starts on a clean one. Call it at the end, error or not. */
  readonly end: () => void;
}

/** The part of a standard stream that is needed. */
export interface ProgressStream {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  write(text: string): unknown;
}

/** Twenty times a second looks smooth and costs nothing. */
const REDRAW_MS = 50;
const DEFAULT_COLUMNS = 80;
const ERASE_LINE = "\r\u001b[K";

/**
 * On a terminal one line that is redrawn in place; elsewhere, in a log file say, a line for each new step.
 *
 * @param now milliseconds of any clock that only goes forward
 */
export function progressLine(
  stream: ProgressStream = process.stderr,
  now: () => number = () => performance.now(),
): ProgressLine {
  let step: string | undefined;
  let drawnAt = -Infinity;
  let onScreen = false;
  const redraw = (event: ProgressEvent): void => {
    if (event.step === step && now() - drawnAt < REDRAW_MS) return;
    step = event.step;
    drawnAt = now();
    onScreen = true;
    // The last column stays free: a terminal would wrap there.
    const columns = (stream.columns ?? DEFAULT_COLUMNS) - 1;
    stream.write(ERASE_LINE + lineOf(event, columns));
  };
  let logged: readonly string[] = [];
  const log = (event: ProgressEvent): void => {
    if (!logged.includes(event.step)) stream.write(`${onOneLine(event.step)}\n`);
    logged = event.allSteps ?? [event.step];
  };
  return {
    show: stream.isTTY ? redraw : log,
    end: () => {
      if (onScreen) stream.write(ERASE_LINE);
      onScreen = false;
      step = undefined;
      logged = [];
    },
  };
}

const BAR_WIDTH = 20;

function lineOf(event: ProgressEvent, columns: number): string {
  const { step, done, total, unit, detail, allSteps } = event;
  if (allSteps !== undefined) return sideBySide(allSteps, columns);
  const parts = [step];
  if (done !== undefined && total !== undefined && total > 0) {
    const share = Math.min(1, Math.max(0, done / total));
    const filled = Math.round(share * BAR_WIDTH);
    parts.push(
      `[${"#".repeat(filled)}${".".repeat(BAR_WIDTH - filled)}]`,
      `${Math.floor(share * 100)} %`,
      `${amount(done, unit)} of ${amount(total, unit)}`,
    );
  } else if (done !== undefined) {
    parts.push(amount(done, unit));
  }
  if (detail !== undefined) parts.push(detail);
  return shortened(onOneLine(parts.join("  ")), columns);
}

/** Each step gets its share of the line, so that the others stand still when one gets longer. */
function sideBySide(steps: readonly string[], columns: number): string {
  const width = Math.floor((columns + 2) / steps.length) - 2;
  return steps.map((step) => shortened(onOneLine(step), width).padEnd(width)).join("  ");
}

function amount(value: number, unit: ProgressEvent["unit"]): string {
  if (unit === "bytes") return `${(value / 1e6).toFixed(1)} MB`;
  return unit === "ms" ? formatDuration(value) : `${value}`;
}

function shortened(line: string, columns: number): string {
  return line.length <= columns ? line : `${line.slice(0, Math.max(0, columns - 1))}…`;
}

/** A detail may come from a guest or a mirror: it must not steer the terminal, nor take a second line. */
function onOneLine(line: string): string {
  return line.replace(/\p{Cc}/gu, " ");
}
