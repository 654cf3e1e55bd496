import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { rowWidth, spreadLabels } from "../../../src/experiment/figures/labels.js";

describe("labels of a row", () => {
  test("stay where they are wanted if there is room", () => {
    const labels = [
      { centre: 50, width: 20 },
      { centre: 100, width: 40 },
    ];
    expect(spreadLabels(labels, { from: 0, to: 200 }, 5)).toEqual([40, 80]);
  });

  test("share the way when they are in each other's", () => {
    const labels = [
      { centre: 100, width: 20 },
      { centre: 100, width: 20 },
    ];
    expect(spreadLabels(labels, { from: 0, to: 200 }, 10)).toEqual([75, 105]);
  });

  test("keep apart and inside whatever is wanted", () => {
    const label = fc.record({
      centre: fc.integer({ min: -100, max: 900 }),
      width: fc.integer({ min: 0, max: 100 }),
    });
    fc.assert(
      fc.property(fc.array(label, { maxLength: 7 }), (wanted) => {
        const labels = wanted.sort((a, b) => a.centre - b.centre);
        const lefts = spreadLabels(labels, { from: 0, to: 800 }, 10);
        expect(rowWidth(labels, 10)).toBeLessThanOrEqual(800);
        let free = 0;
        labels.forEach(({ width }, index) => {
          const left = lefts[index] ?? NaN;
          expect(left).toBeGreaterThanOrEqual(free - 1e-9);
          expect(left + width).toBeLessThanOrEqual(800 + 1e-9);
          free = left + width + 10;
        });
      }),
    );
  });
});
