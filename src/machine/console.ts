import { after, type VirtualMs } from "../clock/virtual-time.js";
import { WaitExpired } from "./errors.js";
import type { Machine } from "./machine.js";
import { createTextReader } from "./plain-text.js";

/** How to wait for something on a console. */
export interface ConsoleWait {
  /** Milliseconds of virtual time after which the wait fails. */
  readonly withinMs: number;
  /** What is waited for, to complete the sentence "waited for ...". */
  readonly what: string;
}

/** Text that was found, and where it begins. */
export interface TextMatch {
  readonly index: number;
  readonly 0: string;
}

/** What is looked for on a console: a regular expression, or what a program finds. */
export interface TextPattern<Match extends TextMatch> {
  exec(text: string): Match | null;
}

/** What was found on a console. */
export interface ConsoleMatch<Match extends TextMatch = RegExpExecArray> {
  readonly match: Match;
  /** Machine time at which the text that matched was complete. */
  readonly atMs: VirtualMs;
}

/** A terminal on a serial line, for a script: it reads text, without carriage returns and control sequences. */
export interface Console {
  /** Types text; the guest gets it when time next passes. */
  type(text: string): Promise<void>;
  /**
   * Lets time pass until the guest has written something that matches, after what the last wait found.
   *
   * @throws {WaitExpired} if it does not come in time
   */
  expect<Match extends TextMatch>(
    pattern: TextPattern<Match>,
    wait: ConsoleWait,
  ): Promise<ConsoleMatch<Match>>;
  /** The same without a wait; null if it has not written that yet. */
  find<Match extends TextMatch>(pattern: TextPattern<Match>): ConsoleMatch<Match> | null;
  /** Forgets what was written and not yet found by a wait. */
  skip(): void;
  /** Everything that was written since the last match, the end of it if that is long. */
  unread(): string;
  close(): void;
}

/** How often a waiting console looks, in ms of virtual time. */
const LOOK_EVERY_MS = 10;
const KEPT_CHARACTERS = 1 << 18;

/**
 * Opens a terminal on a serial line. What the guest wrote before is not on it.
 *
 * @param advance lets time pass up to a moment of the machine's clock; by default the machine runs alone
 */
export function openConsole(
  machine: Machine,
  line: number,
  advance: (until: VirtualMs) => Promise<unknown> = (until) => machine.run({ until }),
): Console {
  const read = createTextReader();
  let text = "";
  let lastAt = machine.now();
  /** Length of `text` after each piece of output, with the moment of that piece. */
  let pieces: { end: number; atMs: VirtualMs }[] = [];

  const close = machine.onOutput((output) => {
    if (output.line !== line) return;
    const before = text.length;
    text += read(output.bytes);
    lastAt = output.atMs;
    // A guest may write for ever what is no text.
    if (text.length === before) return;
    pieces.push({ end: text.length, atMs: lastAt });
    if (text.length > 2 * KEPT_CHARACTERS) forget(text.length - KEPT_CHARACTERS);
  });

  function forget(characters: number): void {
    text = text.slice(characters);
    pieces = pieces.flatMap(({ end, atMs }) =>
      end > characters ? [{ end: end - characters, atMs }] : [],
    );
  }

  function find<Match extends TextMatch>(pattern: TextPattern<Match>): ConsoleMatch<Match> | null {
    const match = pattern.exec(text);
    if (match === null) return null;
    const end = match.index + match[0].length;
    const atMs = pieces.find((piece) => piece.end >= end)?.atMs ?? lastAt;
    forget(end);
    return { match, atMs };
  }

  return {
    find,
    async type(typed) {
      const bytes = new TextEncoder().encode(typed);
      await machine.send({ atMs: machine.now(), line, bytes, ifRead: false });
    },
    async expect(pattern, { withinMs, what }) {
      const deadline = after(machine.now(), withinMs);
      for (;;) {
        const found = find(pattern);
        if (found !== null) return found;
        if (machine.now() >= deadline) {
          throw new WaitExpired(machine.name, what, withinMs, text.slice(-800));
        }
        await advance(after(machine.now(), LOOK_EVERY_MS));
      }
    },
    skip() {
      forget(text.length);
    },
    unread: () => text,
    close,
  };
}
