import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createPageInterner, hashAt } from "../../src/storage/page-interner.js";
import { PAGE_WORDS, wordsOf } from "../../src/storage/pages.js";
import { createPageStore, type StoredPages } from "../../src/storage/page-store.js";
import { pagesOf, plain, sparsePagesOf } from "./arbitraries.js";

const MEBIBYTE = 1024 * 1024;

describe("page store", () => {
  test("gives back what was put in, whatever else comes and goes", () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ pages: sparsePagesOf(6), releaseFirst: fc.boolean() }), {
          maxLength: 6,
        }),
        (steps) => {
          const store = createPageStore();
          const live = new Map<StoredPages, unknown>();
          for (const { pages, releaseFirst } of steps) {
            const [oldest] = live.keys();
            if (releaseFirst && oldest !== undefined) {
              store.release(oldest);
              live.delete(oldest);
            }
            live.set(store.put(pages), plain(pages));
            for (const [stored, put] of live) expect(plain(store.get(stored))).toEqual(put);
          }
          for (const stored of live.keys()) store.release(stored);
          expect(store.stats()).toEqual({ pages: 0, uniquePages: 0, bytes: 0 });
        },
      ),
    );
  });

  test("stores equal pages once and zero pages not at all", () => {
    const store = createPageStore();
    store.put(pagesOf(8, [0, 1], [1, 1], [2, 0], [3, 2]));
    store.put(pagesOf(8, [5, 2], [6, 0]));
    expect(store.stats()).toEqual({ pages: 6, uniquePages: 2, bytes: MEBIBYTE });
  });

  test("a released page stays while another snapshot has it", () => {
    const store = createPageStore();
    const first = store.put(pagesOf(8, [0, 1], [1, 2]));
    const second = store.put(pagesOf(8, [7, 2]));
    store.release(first);
    expect(store.stats().uniquePages).toBe(1);
    expect(plain(store.get(second))).toEqual(plain(pagesOf(8, [7, 2])));
  });

  test("memory is used again: many snapshots in turn need no more than one", () => {
    const store = createPageStore();
    const pages = pagesOf(600, ...Array.from({ length: 600 }, distinct));
    const bytes = Array.from({ length: 5 }, () => {
      const stored = store.put(pages);
      const held = store.stats().bytes;
      store.release(stored);
      return held;
    });
    expect(new Set(bytes)).toEqual(new Set([MEBIBYTE]));
    expect(store.stats().bytes).toBe(0);
  });

  test("takes a copy, and gives copies", () => {
    const store = createPageStore();
    const pages = pagesOf(2, [1, 1]);
    const stored = store.put(pages);
    pages.data.fill(9);
    pages.numbers.fill(0);
    store.get(stored).data.fill(8);
    store.get(stored).numbers.fill(0);
    expect(plain(store.get(stored))).toEqual(plain(pagesOf(2, [1, 1])));
  });

  test("what was released, or is another store's, is an error", () => {
    const store = createPageStore();
    const stored = store.put(pagesOf(1, [0, 1]));
    expect(() => createPageStore().get(stored)).toThrow(RangeError);
    store.release(stored);
    expect(() => store.get(stored)).toThrow(RangeError);
    expect(() => {
      store.release(stored);
    }).toThrow(RangeError);
  });
});

describe("page interner", () => {
  /** Two different pages, made so that the hash does not tell them apart. */
  const first = new Int32Array(PAGE_WORDS);
  const second = new Int32Array(PAGE_WORDS);
  first[0] = 1;
  second[4] = 0x9e3779b1;

  test("keeps pages apart that have the same hash, and forgets the right one", () => {
    expect(hashAt(first, 0)).toBe(hashAt(second, 0));
    for (const order of [0, 1]) {
      const interner = createPageInterner();
      const ids = [first, second].map((words) => interner.intern(words, 0));
      expect(ids).toEqual([1, 2]);
      interner.release(ids[order] ?? 0);
      const [kept, id] = order === 0 ? [second, 2] : [first, 1];
      expect(interner.intern(kept, 0)).toBe(id);
      expect(wordsOf(interner.bytes(id))).toEqual(kept);
      expect(interner.uniquePages()).toBe(1);
    }
  });
});

/** Page `i` of an image with no more than 255 different pages. */
function distinct(_: unknown, i: number): [number, number] {
  return [i, (i % 255) + 1];
}
