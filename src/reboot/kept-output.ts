import type { ConsoleOutput } from "./report.js";

/** More is not kept of a run; a guest is not trusted to stop writing. A long boot writes some thousand pieces. */
const MOST = { pieces: 500_000, bytes: 64 << 20 };

/** What guests have written to their serial lines, as far as it is kept. */
export interface KeptOutput {
  readonly kept: readonly ConsoleOutput[];
  add(output: ConsoleOutput): void;
}

/**
 * Keeps what guests write.
 *
 * @param whenFull called once, with the first output that is not kept
 */
export function keepOutput(
  whenFull: (output: ConsoleOutput) => void,
  most: { readonly pieces: number; readonly bytes: number } = MOST,
): KeptOutput {
  const kept: ConsoleOutput[] = [];
  let bytes = 0;
  let isFull = false;
  return {
    kept,
    add(output) {
      if (isFull) return;
      bytes += output.bytes.length;
      isFull = kept.length >= most.pieces || bytes > most.bytes;
      if (isFull) whenFull(output);
      else kept.push(output);
    },
  };
}
