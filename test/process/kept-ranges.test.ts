import fc from "fast-check";
import { expect, test } from "vitest";
import { PAGE_BYTES } from "../../src/guest/page-tables.js";
import { isWithin, keptRanges, overlapping, without } from "../../src/process/kept-ranges.js";
import { anonymous } from "./sample-image.js";

test("a heap that has grown keeps what it had", () => {
  const kept = keptRanges([anonymous(0x1000, 0x3000)], [anonymous(0x1000, 0x6000)]);
  expect(kept).toEqual([{ start: 0x1000, end: 0x3000 }]);
  expect(without({ start: 0x1000, end: 0x6000 }, kept)).toEqual([{ start: 0x3000, end: 0x6000 }]);
});

test("a file stays where it shows the same part of the same version", () => {
  const library = { path: "/lib/libc.so.6", size: 9000, changedNs: 5n };
  const before = [anonymous(0x8000, 0xc000, { file: library, offset: 0x1000 })];
  const half = anonymous(0xa000, 0xc000, { file: library, offset: 0x3000, protection: 1 });
  expect(keptRanges(before, [half])).toEqual([{ start: 0xa000, end: 0xc000 }]);
  expect(keptRanges(before, [{ ...half, offset: 0x2000 }])).toEqual([]);
  expect(keptRanges(before, [{ ...half, file: { ...library, changedNs: 6n } }])).toEqual([]);
  expect(keptRanges(before, [anonymous(0x8000, 0xc000)])).toEqual([]);
});

test("memory that is shared is always made anew", () => {
  const shared = anonymous(0x1000, 0x2000, { shared: true });
  expect(keptRanges([shared], [shared])).toEqual([]);
});

/** Mappings of anonymous memory, ascending, that do not overlap. */
const mappings = fc.uniqueArray(fc.integer({ min: 1, max: 40 }), { maxLength: 10 }).map((cuts) => {
  const bounds = cuts.sort((a, b) => a - b).map((page) => page * PAGE_BYTES);
  return bounds
    .slice(1)
    .flatMap((end, index) => (index % 2 === 0 ? [anonymous(bounds[index] ?? 0, end)] : []));
});

test("each page of either list is kept, or to be unmapped, or to be mapped, as it is in both, the first, the second", () => {
  fc.assert(
    fc.property(mappings, mappings, (before, now) => {
      const kept = keptRanges(before, now);
      const unmapped = before.flatMap((mapping) => without(mapping, kept));
      const mapped = now.flatMap((mapping) => without(mapping, kept));
      for (let at = 0; at < 50 * PAGE_BYTES; at += PAGE_BYTES) {
        const was = before.some(({ start, end }) => start <= at && at < end);
        const is = now.some(({ start, end }) => start <= at && at < end);
        expect(isWithin(kept, at)).toBe(was && is);
        expect(isWithin(unmapped, at)).toBe(was && !is);
        expect(isWithin(mapped, at)).toBe(is && !was);
      }
    }),
  );
});

test("what overlaps a range is what has addresses in common with it", () => {
  fc.assert(
    fc.property(mappings, fc.nat(45), fc.integer({ min: 1, max: 10 }), (ranges, first, pages) => {
      const range = { start: first * PAGE_BYTES, end: (first + pages) * PAGE_BYTES };
      expect(overlapping(ranges, range)).toEqual(
        ranges.filter(({ start, end }) => start < range.end && range.start < end),
      );
    }),
  );
});

test("as many mappings as a process can have are compared at once", () => {
  const many = Array.from({ length: 65_530 }, (_, index) => {
    return anonymous(2 * index * PAGE_BYTES, (2 * index + 1) * PAGE_BYTES);
  });
  const startMs = performance.now();
  const kept = keptRanges(many, many);
  expect(kept).toHaveLength(many.length);
  expect(many.flatMap((mapping) => without(mapping, kept))).toEqual([]);
  // Each with each would take half a minute.
  expect(performance.now() - startMs).toBeLessThan(5000);
});
