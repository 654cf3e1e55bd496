import fc from "fast-check";
import { expect, test } from "vitest";
import { pathBytes, pathFromBytes } from "../../src/carry-over/entry.js";

test("a path is its bytes, however long", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 40 }),
      fc.integer({ min: 1, max: 700 }),
      (some, times) => {
        const bytes = Uint8Array.from(
          { length: some.length * times },
          (_, at) => some[at % some.length] ?? 0,
        );
        expect(pathBytes(pathFromBytes(bytes)).subarray(0, -1)).toEqual(bytes);
      },
    ),
    { numRuns: 20 },
  );
});
