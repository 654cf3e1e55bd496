import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createPacer, FRAME_MS, MAX_LAG_MS, type RealTime } from "../../src/clock/pacer.js";
import { virtualMs } from "../../src/clock/virtual-time.js";

/** Real time that passes only when somebody waits, or when a test says so. */
function manualTime(start: number): RealTime & { pass(ms: number): void } {
  let now = start;
  return {
    now: () => now,
    wait(ms) {
      now += ms;
      return Promise.resolve();
    },
    pass(ms) {
      now += ms;
    },
  };
}

const moment = fc.integer({ min: 0, max: 1_000_000 });
/** How long the computer takes for each frame that a machine runs; a second is a machine that struggles. */
const efforts = fc.array(fc.integer({ min: 0, max: 1000 }), { maxLength: 200 });

describe("a paced machine", () => {
  test("never runs ahead of real time, whatever a frame takes to compute", async () => {
    await fc.assert(
      fc.asyncProperty(moment, moment, efforts, async (realStart, virtualStart, frames) => {
        const real = manualTime(realStart);
        const pacer = createPacer(real, virtualMs(virtualStart));
        let reached = virtualMs(virtualStart);
        for (const effort of frames) {
          reached = await pacer.next(reached);
          expect(reached - virtualStart).toBeLessThanOrEqual(real.now() - realStart);
          real.pass(effort);
        }
      }),
    );
  });

  test("keeps pace with real time while it is fast enough", async () => {
    const real = manualTime(0);
    const pacer = createPacer(real, virtualMs(0));
    let reached = virtualMs(0);
    for (let frame = 0; frame < 500; frame++) {
      reached = await pacer.next(reached);
      expect(real.now()).toBe(reached);
      real.pass(FRAME_MS / 2);
    }
  });

  test("catches up after a stall without waiting, but by no more than the largest lag", async () => {
    const stalls = fc.integer({ min: 0, max: 100_000 });
    await fc.assert(
      fc.asyncProperty(stalls, async (stall) => {
        const real = manualTime(0);
        const pacer = createPacer(real, virtualMs(0));
        real.pass(stall);
        let reached = virtualMs(0);
        for (;;) {
          const next = await pacer.next(reached);
          if (real.now() > stall) break;
          reached = next;
        }
        const caughtUp = Math.min(stall, MAX_LAG_MS + FRAME_MS);
        expect(reached).toBe(caughtUp - (caughtUp % FRAME_MS));
      }),
    );
  });

  test("waits again if a timer fires early", async () => {
    const real = manualTime(0);
    const early: RealTime = { now: () => real.now(), wait: (ms) => real.wait(Math.ceil(ms / 2)) };
    await createPacer(early, virtualMs(50)).next(virtualMs(50));
    expect(real.now()).toBeGreaterThanOrEqual(FRAME_MS);
  });
});
