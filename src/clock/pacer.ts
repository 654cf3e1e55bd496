import { type VirtualMs, virtualMs } from "./virtual-time.js";

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
   * Waits until real time has gone on beyond `reached`, the machine's clock now, and resolves to the
   * moment up to which it may run: never ahead of real time, and one frame further at most.
   */
  next(reached: VirtualMs): Promise<VirtualMs>;
}

/** A machine gets ahead in steps of this, so that what is typed reaches it soon, in ms. */
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
      while (real.now() - origin <= reached) {
        await real.wait(Math.max(1, reached + FRAME_MS - (real.now() - origin)));
      }
      origin = Math.max(origin, real.now() - reached - MAX_LAG_MS);
      return virtualMs(Math.min(real.now() - origin, reached + FRAME_MS));
    },
  };
}
