import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { after, virtualMs } from "../../src/clock/virtual-time.js";

describe("virtual time", () => {
  test("lies on a grid of whole nanoseconds", () => {
    expect(virtualMs(1.2345674)).toBe(1.234567);
    expect(virtualMs(1.2345676)).toBe(1.234568);
    expect(virtualMs(-1.5)).toBe(-1.5);
  });

  test("equal moments are equal numbers, however they were computed", () => {
    expect(0.1 + 0.2).not.toBe(0.3);
    expect(virtualMs(0.1 + 0.2)).toBe(virtualMs(0.3));
    const nanoseconds = fc.integer({ min: 0, max: 1e15 });
    fc.assert(
      fc.property(nanoseconds, nanoseconds, (first, second) => {
        const sum = after(virtualMs(first / 1e6), second / 1e6);
        expect(sum).toBe(virtualMs((first + second) / 1e6));
        expect(virtualMs(sum)).toBe(sum);
      }),
    );
  });

  test("is finite: a moment that never comes would stop a clock for good", () => {
    for (const ms of [NaN, Infinity, -Infinity]) expect(() => virtualMs(ms)).toThrow(RangeError);
  });
});
