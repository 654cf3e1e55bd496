import { NS_PER_MS, type VirtualMs, virtualMs } from "./virtual-time.js";

/**
 * The clock of one machine. It advances by the instructions that the guest retires, by what some of
 * them take besides, and by the idleness that the machine skips, and it counts in whole nanoseconds: a span cut into pieces adds up
 * to exactly the same moment.
 */
export interface MachineClock {
  /** The present moment. */
  now(): VirtualMs;
  /** Time that the guest has spent running, in ms, since the clock was made. */
  busyMs(): number;
  /** The guest has run for `ns` that its instructions do not account for. */
  spend(ns: number): void;
  /** Moves the clock on to `moment` without the guest running; a moment that is past changes nothing. */
  skipTo(moment: VirtualMs): void;
  /** Sets the clock, backwards too: for a machine that takes over a snapshot. */
  set(moment: VirtualMs): void;
  /** Stands still while `reset` sets the instruction counter back, as v86 does when the guest resets. */
  acrossCounterReset(reset: () => void): void;
}

/**
 * Makes a clock that stands at zero.
 *
 * @param retired reads the machine's instruction counter, an unsigned 32-bit number that wraps; the
 *   clock must be read at least once in every 2^32 instructions
 * @param nsPerInstruction whole nanoseconds that an instruction takes
 */
export function createMachineClock(retired: () => number, nsPerInstruction: number): MachineClock {
  let counted = retired();
  let busyNs = 0;
  let offsetNs = 0;
  let standsStill = false;

  function nowNs(): number {
    if (standsStill) return busyNs + offsetNs;
    const counter = retired();
    busyNs += ((counter - counted) >>> 0) * nsPerInstruction;
    counted = counter;
    return busyNs + offsetNs;
  }

  return {
    now: () => virtualMs(nowNs() / NS_PER_MS),
    busyMs() {
      nowNs();
      return busyNs / NS_PER_MS;
    },
    spend(ns) {
      busyNs += ns;
    },
    skipTo(moment) {
      const gap = toNs(moment) - nowNs();
      if (gap > 0) offsetNs += gap;
    },
    set(moment) {
      offsetNs += toNs(moment) - nowNs();
    },
    acrossCounterReset(reset) {
      nowNs();
      standsStill = true;
      try {
        reset();
      } finally {
        counted = retired();
        standsStill = false;
      }
    },
  };
}

function toNs(moment: VirtualMs): number {
  return Math.round(moment * NS_PER_MS);
}
