import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  changedPages,
  checkPages,
  comparePages,
  denseImage,
  isZeroPage,
  nonZeroPages,
  PAGE_SIZE,
  PagesError,
  writePages,
} from "../../src/storage/pages.js";
import { imageOf, pagesOf, plain, sparsePagesOf, text } from "./arbitraries.js";

/** The same bytes at an address that is not a multiple of 4. */
function misaligned(bytes: Uint8Array): Uint8Array {
  const copy = new Uint8Array(bytes.length + 1).subarray(1);
  copy.set(bytes);
  return copy;
}

describe("zero pages", () => {
  test("one byte anywhere in a page makes it non-zero", () => {
    const bytes = new Uint8Array(3 * PAGE_SIZE);
    for (let at = 0; at < PAGE_SIZE; at++) {
      bytes[PAGE_SIZE + at] = 0x80;
      expect(isZeroPage(bytes, PAGE_SIZE)).toBe(false);
      bytes[PAGE_SIZE + at] = 0;
    }
    expect(isZeroPage(bytes, PAGE_SIZE)).toBe(true);
  });

  test("bytes of the neighbours do not count", () => {
    const bytes = new Uint8Array(3 * PAGE_SIZE).fill(1).fill(0, PAGE_SIZE, 2 * PAGE_SIZE);
    expect(isZeroPage(bytes, PAGE_SIZE)).toBe(true);
    expect(isZeroPage(misaligned(bytes), PAGE_SIZE)).toBe(true);
    expect(isZeroPage(bytes, PAGE_SIZE - 1)).toBe(false);
    expect(isZeroPage(bytes, PAGE_SIZE + 1)).toBe(false);
  });

  test("a page that is not inside the bytes is an error", () => {
    const bytes = new Uint8Array(PAGE_SIZE);
    expect(() => isZeroPage(bytes, 1)).toThrow(PagesError);
    expect(() => isZeroPage(bytes, -1)).toThrow(PagesError);
  });
});

describe("images and sparse pages", () => {
  test("an image is its non-zero pages, wherever it lies in memory", () => {
    fc.assert(
      fc.property(imageOf(6), (image) => {
        const pages = nonZeroPages(image);
        checkPages(pages);
        expect(text(denseImage(pages))).toBe(text(image));
        expect(plain(nonZeroPages(misaligned(image)))).toEqual(plain(pages));
        const zeros = [0, 1, 2, 3, 4, 5].filter((i) => isZeroPage(image, i * PAGE_SIZE));
        expect(pages.numbers.length).toBe(6 - zeros.length);
      }),
    );
  });

  test("the pages that changed turn the parent into the image", () => {
    fc.assert(
      fc.property(imageOf(6), imageOf(6), (image, parent) => {
        const pages = changedPages(image, parent);
        checkPages(pages);
        const patched = parent.slice();
        writePages(patched, pages);
        expect(text(patched)).toBe(text(image));
        const moved = changedPages(misaligned(image), misaligned(parent));
        expect(plain(moved)).toEqual(plain(pages));
      }),
    );
  });

  test("only pages that differ are changed ones, and one that became zero is", () => {
    const parent = denseImage(pagesOf(4, [0, 1], [1, 2], [2, 3]));
    const image = denseImage(pagesOf(4, [0, 1], [2, 9], [3, 4]));
    const changed = pagesOf(4, [1, 0], [2, 9], [3, 4]);
    expect(plain(changedPages(image, parent))).toEqual(plain(changed));
  });

  test("a difference in any one byte is seen", () => {
    const parent = new Uint8Array(PAGE_SIZE);
    for (let at = 0; at < PAGE_SIZE; at++) {
      const image = parent.slice();
      image[at] = 1;
      expect(changedPages(image, parent).numbers).toHaveLength(1);
    }
  });

  test("what is found shares nothing with the image", () => {
    const image = new Uint8Array(PAGE_SIZE).fill(1);
    const pages = nonZeroPages(image);
    image.fill(2);
    expect(plain(pages)).toEqual(plain(pagesOf(1, [0, 1])));
  });

  test("sizes that do not fit are errors", () => {
    expect(() => nonZeroPages(new Uint8Array(PAGE_SIZE + 1))).toThrow(PagesError);
    expect(() => changedPages(new Uint8Array(PAGE_SIZE), new Uint8Array(0))).toThrow(PagesError);
    expect(() => {
      writePages(new Uint8Array(PAGE_SIZE), pagesOf(2, [0, 1]));
    }).toThrow("use a machine of the same size");
  });
});

describe("pages from outside", () => {
  const good = pagesOf(8, [1, 1], [3, 3]);
  test.each([
    ["descend", { ...good, numbers: Uint32Array.of(3, 1) }],
    ["repeat", { ...good, numbers: Uint32Array.of(3, 3) }],
    ["lie outside", { ...good, numbers: Uint32Array.of(3, 8) }],
    ["have too little data", { ...good, data: good.data.subarray(1) }],
    ["have too much data", { ...good, numbers: Uint32Array.of(1) }],
    ["are a fraction in number", { ...good, pageCount: 8.5 }],
    ["are fewer than none", { ...pagesOf(0), pageCount: -1 }],
  ])("are refused if they %s", (_, pages) => {
    expect(() => {
      checkPages(pages);
    }).toThrow(PagesError);
  });

  test("are taken if they list none, some or all", () => {
    checkPages(pagesOf(0));
    checkPages(good);
    checkPages(pagesOf(2, [0, 0], [1, 0]));
  });
});

describe("comparing", () => {
  test("tells added, removed, changed and same pages apart", () => {
    const before = pagesOf(9, [0, 1], [2, 2], [4, 4], [8, 8]);
    const after = pagesOf(9, [1, 1], [2, 2], [4, 5]);
    expect(comparePages(before, after)).toEqual({
      added: [1],
      removed: [0, 8],
      changed: [4],
      same: [2],
    });
  });

  test("the other way round swaps added and removed", () => {
    fc.assert(
      fc.property(sparsePagesOf(6), sparsePagesOf(6), (a, b) => {
        const forth = comparePages(a, b);
        const back = comparePages(b, a);
        expect(back).toEqual({ ...forth, added: forth.removed, removed: forth.added });
        expect(comparePages(a, a).same).toEqual([...a.numbers]);
      }),
    );
  });

  test("things of two sizes cannot be compared", () => {
    expect(() => comparePages(pagesOf(1), pagesOf(2))).toThrow(PagesError);
  });
});
