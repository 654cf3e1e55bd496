import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { between, type Spell } from "../../src/clock/spell.js";
import { after, virtualMs, type VirtualMs } from "../../src/clock/virtual-time.js";
import { idletime } from "../../src/host/idletime.js";

function spell(from: number, to: number): Spell {
  return { from: virtualMs(from), to: virtualMs(to) };
}

const QUANTUM = spell(10, 20);

describe("idleness that goes to the background", () => {
  test("begins when the foreground has not used the resource for the interval", () => {
    expect(idletime([spell(13, 20)], QUANTUM, null, 2)).toEqual({ since: 13, leftMs: 5 });
  });

  test("is none in spells that are shorter than the interval", () => {
    const spells = [spell(10, 11.5), spell(12, 13.9), spell(14, 20)];
    expect(idletime(spells, QUANTUM, null, 2)).toEqual({ since: 14, leftMs: 4 });
  });

  test("counts from the last use, even in an earlier quantum", () => {
    expect(idletime([QUANTUM], QUANTUM, virtualMs(9), 2)).toEqual({ since: 9, leftMs: 9 });
    expect(idletime([QUANTUM], QUANTUM, virtualMs(3), 2)).toEqual({ since: 3, leftMs: 10 });
    expect(idletime([spell(10, 12)], QUANTUM, virtualMs(9), 2)).toEqual({ since: null, leftMs: 1 });
  });

  test("is none while the resource is in use", () => {
    expect(idletime([], QUANTUM, virtualMs(3), 2)).toEqual({ since: null, leftMs: 0 });
  });

  const uses = fc
    .array(fc.tuple(fc.integer({ min: 1, max: 9000 }), fc.integer({ min: 1, max: 9000 })), {
      maxLength: 8,
    })
    .map((steps) => {
      let at = 0;
      return steps.map(([gap, length]): Spell => {
        const from = at + gap;
        at = from + length;
        return spell(from / 1000, at / 1000);
      });
    });
  const cuts = fc.array(fc.integer({ min: 1, max: 99_999 }), { maxLength: 20 });
  const intervals = fc.integer({ min: 0, max: 20_000 }).map((us) => us / 1000);

  /** Adds up what is left in each of the quanta that time is cut into. */
  function leftIn(
    busy: readonly Spell[],
    bounds: readonly VirtualMs[],
    intervalMs: number,
  ): number {
    let since: VirtualMs | null = bounds[0] ?? null;
    let sum = 0;
    for (const [index, to] of bounds.slice(1).entries()) {
      const from = bounds[index] ?? to;
      const inside = busy.flatMap((each) => {
        const cut = spell(Math.max(each.from, from), Math.min(each.to, to));
        return cut.from < cut.to ? [cut] : [];
      });
      const found = idletime(between(inside, { from, to }), { from, to }, since, intervalMs);
      sum += found.leftMs;
      since = found.since;
    }
    return sum;
  }

  test("does not depend on where time is cut into quanta", () => {
    fc.assert(
      fc.property(uses, cuts, intervals, (busy, inner, intervalMs) => {
        const sorted = [...new Set(inner)].sort((a, b) => a - b).map((us) => virtualMs(us / 1000));
        const [start, end] = [virtualMs(0), virtualMs(100)];
        const whole = leftIn(busy, [start, end], intervalMs);
        expect(leftIn(busy, [start, ...sorted, end], intervalMs)).toBeCloseTo(whole, 6);
      }),
    );
  });

  test("is never more than the idleness there is, and lacks at most one interval a use", () => {
    fc.assert(
      fc.property(uses, intervals, (busy, intervalMs) => {
        const quantum = spell(0, 150);
        const idle = between(busy, quantum);
        const sum = idle.reduce((total, { from, to }) => total + to - from, 0);
        const { leftMs } = idletime(idle, quantum, quantum.from, intervalMs);
        expect(leftMs).toBeLessThanOrEqual(sum + 1e-6);
        expect(leftMs).toBeGreaterThanOrEqual(sum - idle.length * intervalMs - 1e-6);
        const { leftMs: patient } = idletime(idle, quantum, quantum.from, intervalMs + 1);
        expect(patient).toBeLessThanOrEqual(leftMs);
      }),
    );
  });

  test("a foreground that stays idle leaves everything after one interval: nothing starves", () => {
    const start = virtualMs(0);
    for (const intervalMs of [0, 2, 50]) {
      const bounds = Array.from({ length: 21 }, (_, index) => after(start, 10 * index));
      expect(leftIn([], bounds, intervalMs)).toBeCloseTo(200 - intervalMs, 6);
    }
  });
});
