import { after, type VirtualMs } from "./virtual-time.js";

/** Real time, injected: the core knows no clock of its own. */
export interface RealTime {
  /** Milliseconds from any zero; they never go backwards. */
  now(): number;
  /** Resolves after about `ms` milliseconds. */
  wait(ms: number): Promise<void>;
}

/** Slows a machine down to real time, for a person who watches it. It affects no result. */
export interface Pacer {
  /**
   * Waits until real time is one frame beyond `reached`, the machine's clock now, and resolves to that
   * moment: the machine may run up to there and is never ahead of real time.
   */
  next(reached: VirtualMs): Promise<VirtualMs>;
}

/** A machine gets on in steps of this, short enough that what is typed seems to reach it at once, in ms. */
export const FRAME_MS = 10;

/**
 * A machine that falls behind real time by less than this catches up at full speed. What it lost beyond
 * that (the computer slept, say) is forgiven: nobody wants to watch minutes rush by. In ms.
 */
export const MAX_LAG_MS = 200;

/** Makes a pacer for a machine whose clock stands at `start` now. */
export function createPacer(real: RealTime, start: VirtualMs): Pacer {
  /** The real time at which the machine's clock would have stood at zero. */
  let origin = real.now() - start;

  return {
    async next(reached) {
      const target = after(reached, FRAME_MS);
      for (;;) {
        const early = target - (real.now() - origin);
        if (early <= 0) break;
        await real.wait(early);
      }
      origin = Math.max(origin, real.now() - target - MAX_LAG_MS);
      return target;
    },
  };
}
