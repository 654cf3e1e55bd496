/**
 * The marks around what a shell command prints on a console, by which its end is found. The guest is not
 * trusted: the text is gone through once, whatever is in it.
 */
import type { TextMatch, TextPattern } from "../machine/console.js";

/** What a shell command printed, and the status that it ended with. */
export interface CommandResult {
  readonly output: string;
  readonly status: number;
}

/** What is typed to run a command between marks; in its echo the marks do not stand alone on their lines. */
export function withMarks(command: string): string {
  return `echo '<''<'; ${command}; echo ">""> $?"\n`;
}

const BEGIN = "<<\n";
const END = /^>> (\d{1,9})$/;
const LONGEST_MARK = ">> 123456789".length;
/** As long as a line can be that is taken for a prompt. */
const LONGEST_PROMPT = 200;
const PROMPT = /[#$] ?$/;

/**
 * Finds a command that has ended. Its end mark begins a line. It stands at the end of one if the output does
 * not end with a newline, and is taken for the mark there only when nothing but a prompt follows it: an output
 * may have a line that ends so, too.
 */
export const COMMAND_MARKS: TextPattern<TextMatch & CommandResult> = {
  exec(text) {
    const begin = lineWith(text, BEGIN);
    if (begin < 0) return null;
    const from = begin + BEGIN.length;
    const found = (end: number, mark: RegExpExecArray, nextLine: number) => ({
      index: begin,
      0: text.slice(begin, nextLine),
      output: text.slice(from, end),
      status: Number(mark[1]),
    });

    let lastLine = from;
    let line = from;
    for (let end = text.indexOf("\n", line); end >= 0; end = text.indexOf("\n", line)) {
      const mark = markIn(text, line, end);
      if (mark !== null) return found(line, mark, end + 1);
      lastLine = line;
      line = end + 1;
    }

    const prompt = text.slice(line);
    if (prompt.length > LONGEST_PROMPT || !PROMPT.test(prompt)) return null;
    const at = text.lastIndexOf(">> ", line);
    const mark = at < lastLine ? null : markIn(text, at, line - 1);
    return mark === null ? null : found(at, mark, line);
  },
};

/** An end mark that is all there is between two places. */
function markIn(text: string, from: number, to: number): RegExpExecArray | null {
  return to - from > LONGEST_MARK ? null : END.exec(text.slice(from, to));
}

/** Where a line begins with a text; -1 if none does. */
function lineWith(text: string, start: string): number {
  if (text.startsWith(start)) return 0;
  const before = text.indexOf(`\n${start}`);
  return before < 0 ? -1 : before + 1;
}
