/** `probe.csv`: each question of the probe and its answer, both in virtual milliseconds of the run. */
import { virtualMs } from "../clock/virtual-time.js";
import type { ProbeAnswer } from "../reboot/report.js";

const HEADING = "asked_ms,answered_ms";
const LINE = /^(\d+(?:\.\d+)?),(\d+(?:\.\d+)?)?$/;

/** The text of the file; a question without an answer has an empty second cell. */
export function probeCsv(answers: readonly ProbeAnswer[]): string {
  const cell = (ms: number | null): string => (ms === null ? "" : `${Number(ms.toFixed(6))}`);
  const lines = answers.map(({ sentMs, answeredMs }) => `${cell(sentMs)},${cell(answeredMs)}\n`);
  return `${HEADING}\n${lines.join("")}`;
}

/**
 * Reads the text of such a file.
 *
 * @throws {SyntaxError} naming the first line that is not of it
 */
export function parseProbe(text: string): ProbeAnswer[] {
  const [heading, ...lines] = text.split("\n");
  if (heading !== HEADING) throw new SyntaxError(`the heading is not "${HEADING}"`);
  if (lines.at(-1) === "") lines.pop();
  return lines.map((line, index) => {
    const match = LINE.exec(line);
    if (match === null) throw new SyntaxError(`line ${index + 2} is no question of a probe`);
    const [, sent, answered] = match;
    return {
      sentMs: virtualMs(Number(sent)),
      answeredMs: answered === undefined ? null : virtualMs(Number(answered)),
    };
  });
}
