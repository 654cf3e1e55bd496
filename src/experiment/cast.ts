/**
 * A guest's serial console as a terminal recording that `asciinema play` shows.
 *
 * References:
 * - asciicast v2: https://docs.asciinema.org/manual/asciicast/v2/
 * - UTF-8 decoding, the replacement of invalid bytes: https://encoding.spec.whatwg.org/#utf-8-decoder
 */
import type { ConsoleOutput } from "../reboot/report.js";

/** What a serial line without a size of its own is taken to be: the screen of a VT100. */
const TERMINAL = { width: 80, height: 24 };

/**
 * The output of one serial line as an asciicast, in seconds of virtual time.
 *
 * A character whose bytes came in two pieces appears with the second one; bytes that are no UTF-8
 * appear as U+FFFD. The header has no `timestamp`: equal runs leave equal recordings.
 */
export function toCast(title: string, output: readonly ConsoleOutput[]): string {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  const lines: unknown[] = [{ version: 2, ...TERMINAL, title }];
  let seconds = 0;
  const append = (text: string) => {
    if (text !== "") lines.push([seconds, "o", text]);
  };
  for (const { atMs, bytes } of output) {
    seconds = Number((atMs / 1000).toFixed(6));
    append(decoder.decode(bytes, { stream: true }));
  }
  append(decoder.decode());
  return lines.map((line) => `${JSON.stringify(line)}\n`).join("");
}

/** Consoles by the stem of their file's name, `<role>-serial<line>`, in order of that name. */
export function consolesByName(
  consoles: readonly ConsoleOutput[],
): [name: string, output: ConsoleOutput[]][] {
  const byName = new Map<string, ConsoleOutput[]>();
  for (const output of consoles) {
    const name = `${output.machine}-serial${output.line}`;
    const sameLine = byName.get(name);
    if (sameLine) sameLine.push(output);
    else byName.set(name, [output]);
  }
  return [...byName].sort(([a], [b]) => (a < b ? -1 : 1));
}
