/**
 * Idletime scheduling with a preemption interval: what a foreground leaves to a background.
 *
 * References:
 * - [SOSP05] Eggert and Touch, "Idletime Scheduling with Preemption Intervals", SOSP 2005: after each use
 *   by the foreground a resource is left idle for the preemption interval, and only what idleness is
 *   left then goes to the background
 */
import type { Spell } from "../clock/spell.js";
import { type VirtualMs, virtualMs } from "../clock/virtual-time.js";

/** What is known of a foreground's use of a resource at the end of a quantum. */
export interface Idleness {
  /** When the idleness began that lasts; null if the resource is in use. */
  readonly since: VirtualMs | null;
  /** How much of the quantum was left to the background, in ms. */
  readonly leftMs: number;
}

/**
 * Adds up the idleness of a quantum that goes to the background: of each spell, what lies behind the
 * preemption interval, counted from the last use, even if that was in an earlier quantum.
 *
 * @param spells in their order, within the quantum
 * @param since when the idleness began that lasted into the quantum, or null
 */
export function idletime(
  spells: readonly Spell[],
  quantum: Spell,
  since: VirtualMs | null,
  intervalMs: number,
): Idleness {
  let leftMs = 0;
  let lasts: VirtualMs | null = null;
  for (const { from, to } of spells) {
    const began = from === quantum.from && since !== null ? since : from;
    leftMs += Math.max(0, to - Math.max(from, began + intervalMs));
    lasts = to >= quantum.to ? began : null;
  }
  return { since: lasts, leftMs: virtualMs(leftMs) };
}
