/**
 * Signals of Linux on i386.
 *
 * References:
 * - [signal(7)], [sigaction(2)]; layouts are those of arch/x86/include/uapi/asm/signal.h
 */

/** Signals are numbered from 1 to this. */
export const LAST_SIGNAL = 64;

/** Their numbers, ascending. */
export const ALL_SIGNALS = Array.from({ length: LAST_SIGNAL }, (_, index) => index + 1);

/** A set of signals as the kernel keeps it: 64 bits, that of signal 1 first. */
export function signalSet(signals: "all" | "none" | readonly number[]): Uint8Array {
  const set = new Uint8Array(8).fill(signals === "all" ? 0xff : 0);
  if (typeof signals === "string") return set;
  for (const signal of signals) {
    const byte = (signal - 1) >> 3;
    set[byte] = (set[byte] ?? 0) | (1 << ((signal - 1) & 7));
  }
  return set;
}

/** The numbers of the signals in a set. */
export function signalsOf(set: Uint8Array): number[] {
  const signals: number[] = [];
  for (let signal = 1; signal <= LAST_SIGNAL; signal++) {
    const bits = set[(signal - 1) >> 3] ?? 0;
    if ((bits & (1 << ((signal - 1) & 7))) !== 0) signals.push(signal);
  }
  return signals;
}
