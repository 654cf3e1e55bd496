import fc from "fast-check";
import { expect, test } from "vitest";
import { PAGE_BYTES } from "../../src/guest/page-tables.js";
import type { Pages } from "../../src/process/capture-memory.js";
import type { ProcessImage } from "../../src/process/image.js";
import { tellOf } from "../../src/process/told.js";
import { anonymous, SAMPLE_IMAGE } from "./sample-image.js";

/** Pages whose every byte is the number given for them. */
function pagesOf(content: ReadonlyMap<number, number>): Pages {
  const addresses = Uint32Array.from(content.keys()).sort();
  const bytes = new Uint8Array(addresses.length * PAGE_BYTES);
  for (const [index, address] of addresses.entries()) {
    bytes.fill(content.get(address) ?? 0, index * PAGE_BYTES, (index + 1) * PAGE_BYTES);
  }
  return { addresses, content: bytes };
}

function contentOf({ addresses, content }: Pages): Map<number, number> {
  const entries = [...addresses].map(
    (at, index) => [at, content[index * PAGE_BYTES] ?? 0] as const,
  );
  return new Map(entries);
}

const heap = anonymous(0, 16 * PAGE_BYTES);

const image = SAMPLE_IMAGE;
const process = (pages: Pages): ProcessImage => {
  const [first] = image.processes;
  if (first === undefined) throw new Error("the sample has a process");
  return { ...first, mappings: [heap], pages };
};

const memory = fc
  .uniqueArray(fc.tuple(fc.integer({ min: 0, max: 15 }), fc.integer({ min: 1, max: 9 })), {
    selector: ([page]) => page,
  })
  .map((pairs) => new Map(pairs.map(([page, value]) => [page * PAGE_BYTES, value] as const)));

/** What has to be told to get from one content to another. */
function difference(before: ReadonlyMap<number, number>, now: ReadonlyMap<number, number>) {
  const changed = [...now].filter(([at, value]) => before.get(at) !== value);
  const gone = [...before.keys()].filter((at) => !now.has(at));
  return { pages: pagesOf(new Map(changed)), gone: Uint32Array.from(gone) };
}

test("what was told, and what has changed since, make the whole", () => {
  fc.assert(
    fc.property(memory, memory, memory, (first, second, last) => {
      const before = process(pagesOf(first));
      const told = tellOf({ processes: [before] });
      told.change({ pid: before.pid, ...difference(first, second) });
      const { pages, gone } = difference(second, last);
      const changed = {
        image: { ...image, processes: [process(pages)] },
        gone: new Map([[before.pid, gone]]),
      };
      const whole = told.complete(changed, new Set());
      expect(whole.image.processes.map((each) => contentOf(each.pages))).toEqual([last]);
      expect(whole.gone.size).toBe(0);
      expect(told.complete(changed, new Set([before.pid]))).toEqual(changed);
    }),
  );
});

test("processes that were made ahead are kept if they are there, in the same session, and their parents are kept", () => {
  const before = process(pagesOf(new Map()));
  const child = { ...before, pid: 9, parent: before.pid };
  const told = tellOf({ processes: [before, child] });
  const kept = (...processes: ProcessImage[]) => [
    ...told.kept({ ...image, processes }, () => true),
  ];
  expect(kept(before, child)).toEqual([before.pid, 9]);
  expect(kept(before)).toEqual([before.pid]);
  expect(kept(before, { ...child, pid: 11 })).toEqual([before.pid]);
  expect(kept({ ...before, session: before.session + 1 }, child)).toEqual([]);
  expect(kept(before, { ...child, parent: null })).toEqual([before.pid]);
  const roomless = tellOf({ processes: [{ ...before, pid: 10 }] });
  const image10 = { ...image, processes: [{ ...before, pid: 10 }] };
  expect([...roomless.kept(image10, () => false)]).toEqual([]);
});
