import fc from "fast-check";
import { expect, test } from "vitest";
import { LAST_SIGNAL, signalSet, signalsOf } from "../../src/guest/signals.js";

test("the bit of signal 1 is the first", () => {
  expect(signalSet([1, 9, 64])).toEqual(Uint8Array.of(1, 1, 0, 0, 0, 0, 0, 0x80));
  expect(signalSet("none")).toEqual(new Uint8Array(8));
  expect(signalsOf(signalSet("all"))).toHaveLength(LAST_SIGNAL);
});

test("a set holds just the signals that were put in", () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.integer({ min: 1, max: LAST_SIGNAL })), (signals) => {
      expect(signalsOf(signalSet(signals))).toEqual(signals.toSorted((a, b) => a - b));
    }),
  );
});
