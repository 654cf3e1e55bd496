import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import { createMachineClock, type MachineClock } from "../../src/clock/machine-clock.js";
import { after, virtualMs } from "../../src/clock/virtual-time.js";

describe("the clock of a machine whose instructions take 2 ns", () => {
  let retired = 0;
  let clock: MachineClock;

  /** Lets the guest run; the counter is 32 bits wide. */
  const execute = (instructions: number): void => {
    retired = (retired + instructions) >>> 0;
  };

  beforeEach(() => {
    retired = 0;
    clock = createMachineClock(() => retired, 2);
  });

  test("advances with every instruction, by whole nanoseconds", () => {
    expect(clock.now()).toBe(0);
    execute(1);
    expect(clock.now()).toBe(0.000002);
    execute(500_000_000 - 1);
    expect(clock.now()).toBe(1000);
    expect(clock.busyMs()).toBe(1000);
  });

  test("starts at zero, whatever the counter stands at", () => {
    execute(12345);
    expect(createMachineClock(() => retired, 2).now()).toBe(0);
  });

  test("skips idleness, which is not time spent running", () => {
    execute(500_000);
    clock.skipTo(virtualMs(5));
    expect(clock.now()).toBe(5);
    expect(clock.busyMs()).toBe(1);
  });

  test("does not skip backwards", () => {
    clock.skipTo(virtualMs(5));
    clock.skipTo(virtualMs(3));
    expect(clock.now()).toBe(5);
  });

  test("can be set, backwards too, for a machine that takes over a snapshot", () => {
    execute(500_000);
    clock.skipTo(virtualMs(100));
    clock.set(virtualMs(40.5));
    expect(clock.now()).toBe(40.5);
    expect(clock.busyMs()).toBe(1);
    execute(500_000);
    expect(clock.now()).toBe(41.5);
  });

  test("goes on when the instruction counter wraps", () => {
    execute(2 ** 32 - 1000);
    const before = clock.now();
    execute(2000);
    expect(retired).toBe(1000);
    expect(clock.now()).toBe(after(before, 0.004));
  });

  test("goes on when the guest resets and the counter restarts", () => {
    execute(1_000_000);
    clock.acrossCounterReset(() => {
      expect(clock.now()).toBe(2);
      retired = 0;
      // Devices ask for the time while they reset.
      expect(clock.now()).toBe(2);
    });
    expect(clock.now()).toBe(2);
    execute(500_000);
    expect(clock.now()).toBe(3);
  });

  test("a span cut into pieces adds up to exactly the same moment", () => {
    const piece = fc.record({
      instructions: fc.nat(2 ** 31),
      idleNs: fc.nat(1e9),
      reset: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(piece), fc.integer({ min: 1, max: 10 }), (pieces, cost) => {
        let counter = 0;
        const read = createMachineClock(() => counter, cost);
        let wholeNs = 0;
        for (const { instructions, idleNs, reset } of pieces) {
          counter = (counter + instructions) >>> 0;
          read.skipTo(after(read.now(), idleNs / 1e6));
          if (reset) {
            read.acrossCounterReset(() => {
              counter = 0;
            });
          }
          wholeNs += instructions * cost + idleNs;
        }
        expect(read.now()).toBe(virtualMs(wholeNs / 1e6));
      }),
    );
  });
});
