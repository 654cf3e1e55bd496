import type { VirtualMs } from "../clock/virtual-time.js";

/** Bytes for a serial line of the guest. */
export interface SerialInput {
  readonly atMs: VirtualMs;
  readonly line: number;
  readonly bytes: Uint8Array;
  /** Lose the bytes if the guest has not read all that came before, as a receiver without room does. */
  readonly ifRead: boolean;
}

/** Bytes that a guest wrote to a serial line. */
export interface Output {
  /** When the last of them was written. */
  readonly atMs: VirtualMs;
  readonly line: number;
  readonly bytes: Uint8Array;
}

/** Bytes written more than this apart, in ms, are told apart; a line always ends its piece. */
const PIECE_MS = 0.1;
const NEWLINE = 10;

/** What a guest writes, gathered into pieces as it comes. */
export interface OutputLog {
  add(line: number, byte: number, now: VirtualMs): void;
  /** Gives the pieces so far, and forgets them. */
  take(): Output[];
}

/** Makes an empty log. */
export function createOutputLog(): OutputLog {
  interface Piece {
    readonly startMs: VirtualMs;
    readonly line: number;
    readonly bytes: number[];
    atMs: VirtualMs;
  }
  let pieces: Piece[] = [];

  return {
    add(line, byte, now) {
      const last = pieces.at(-1);
      const goesOn =
        last?.line === line && last.bytes.at(-1) !== NEWLINE && now - last.startMs <= PIECE_MS;
      if (goesOn) {
        last.bytes.push(byte);
        last.atMs = now;
      } else {
        pieces.push({ startMs: now, line, bytes: [byte], atMs: now });
      }
    },
    take() {
      const taken = pieces.map(({ atMs, line, bytes }) => {
        return { atMs, line, bytes: Uint8Array.from(bytes) };
      });
      pieces = [];
      return taken;
    },
  };
}

/** Input that is to come, in the order of its moments; of the same moment, as it was added. */
export interface InputQueue {
  add(input: SerialInput): void;
  /** Takes the next one out if its moment has come; null if it has not. */
  takeDue(now: VirtualMs): SerialInput | null;
  /** The moment of the next one, in ms; Infinity if there is none. */
  nextAt(): number;
  clear(): void;
}

/** Makes an empty queue. */
export function createInputQueue(): InputQueue {
  const inputs: SerialInput[] = [];
  const nextAt = (): number => inputs[0]?.atMs ?? Infinity;
  return {
    add(input) {
      const index = inputs.findIndex(({ atMs }) => atMs > input.atMs);
      inputs.splice(index < 0 ? inputs.length : index, 0, input);
    },
    takeDue: (now) => (nextAt() <= now ? (inputs.shift() ?? null) : null),
    nextAt,
    clear() {
      inputs.length = 0;
    },
  };
}
