import fc from "fast-check";
import { expect, test } from "vitest";
import { PAGE_BYTES } from "../../src/guest/page-tables.js";
import { pageRuns } from "../../src/process/restore-memory.js";

test("pages that lie one behind the other are one run", () => {
  const addresses = Uint32Array.from([0x1000, 0x2000, 0x4000, 0xfffff000]);
  expect([...pageRuns(addresses)]).toEqual([
    [0, 2],
    [2, 1],
    [3, 1],
  ]);
  expect([...pageRuns(new Uint32Array())]).toEqual([]);
});

test("the runs are all pages, each once, and no two of them could be one", () => {
  const ascending = fc.uniqueArray(fc.integer({ min: 0, max: 60 })).map((pages) =>
    Uint32Array.from(
      pages.sort((a, b) => a - b),
      (page) => page * PAGE_BYTES,
    ),
  );
  fc.assert(
    fc.property(ascending, (addresses) => {
      const runs = [...pageRuns(addresses)];
      const pages = runs.flatMap(([first, count]) =>
        Array.from({ length: count }, (_, index) => (addresses[first] ?? 0) + index * PAGE_BYTES),
      );
      expect(pages).toEqual([...addresses]);
      for (const [index, [first, count]] of runs.entries()) {
        const next = addresses[runs[index + 1]?.[0] ?? -1];
        expect(next).not.toBe((addresses[first] ?? 0) + count * PAGE_BYTES);
      }
    }),
  );
});
