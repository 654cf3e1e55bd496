declare const virtualMsBrand: unique symbol;

/** Virtual nanoseconds in a millisecond: all moments are whole nanoseconds. */
export const NS_PER_MS = 1_000_000;

/**
 * A moment or a span of virtual time, in milliseconds, on a grid of whole nanoseconds: equal moments
 * are equal numbers, however they were computed.
 *
 * Virtual time is what a guest and its user see: it is counted from retired instructions and skipped
 * idleness, never from a wall clock, so it is the same on every host. A machine's clock is zero when
 * the machine is switched on.
 */
export type VirtualMs = number & { readonly [virtualMsBrand]: true };

/**
 * Calls a number of milliseconds virtual time, to the nearest nanosecond.
 *
 * @throws {RangeError} if `ms` is not a finite number: such a value would stop a clock for good
 */
export function virtualMs(ms: number): VirtualMs {
  if (!Number.isFinite(ms)) throw new RangeError(`not a moment of virtual time: ${ms} ms`);
  return (Math.round(ms * NS_PER_MS) / NS_PER_MS) as VirtualMs;
}

/** The moment `span` milliseconds after `start`. */
export function after(start: VirtualMs, span: number): VirtualMs {
  return virtualMs(start + span);
}

declare const wallMsBrand: unique symbol;

/**
 * A span of wall time, in milliseconds: how long the host really took. It is reported beside virtual
 * time, is never added to it, and enters no digest.
 */
export type WallMs = number & { readonly [wallMsBrand]: true };

/** Calls a number of milliseconds wall time. */
export function wallMs(ms: number): WallMs {
  return ms as WallMs;
}
