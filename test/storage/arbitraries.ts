import fc from "fast-check";
import { PAGE_SIZE, type SparsePages } from "../../src/storage/pages.js";

// The same cases in every run: a test that fails, fails again.
fc.configureGlobal({ seed: 2013 });

/** A page of one repeated byte with another one somewhere: few enough that equal and zero pages are common. */
const page = fc
  .record({
    fill: fc.constantFrom(0, 0, 7),
    at: fc.constantFrom(0, 1, 2047, PAGE_SIZE - 1),
    byte: fc.constantFrom(0, 1, 255),
  })
  .map(({ fill, at, byte }) => new Uint8Array(PAGE_SIZE).fill(fill).fill(byte, at, at + 1));

/** An image of `pageCount` pages. */
export function imageOf(pageCount: number): fc.Arbitrary<Uint8Array> {
  return fc
    .array(page, { minLength: pageCount, maxLength: pageCount })
    .map((pages) => joined(pages));
}

/** Some pages out of `pageCount`, zero pages among them. */
export function sparsePagesOf(pageCount: number): fc.Arbitrary<SparsePages> {
  return fc.uniqueArray(fc.nat(pageCount - 1)).chain((numbers) =>
    imageOf(numbers.length).map((data) => ({
      pageCount,
      numbers: Uint32Array.from(numbers).sort(),
      data,
    })),
  );
}

/** Sparse pages with one page of a repeated byte for each `[number, byte]`. */
export function pagesOf(pageCount: number, ...listed: [number, number][]): SparsePages {
  return {
    pageCount,
    numbers: Uint32Array.from(listed, ([number]) => number),
    data: joined(listed.map(([, byte]) => new Uint8Array(PAGE_SIZE).fill(byte))),
  };
}

/** Bytes as text: Vitest compares long arrays element by element, and strings at once. */
export function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}

/** Sparse pages in a form that is compared fast. */
export function plain({ pageCount, numbers, data }: SparsePages) {
  return { pageCount, numbers: [...numbers], data: text(data) };
}

function joined(pages: readonly Uint8Array[]): Uint8Array {
  const image = new Uint8Array(pages.length * PAGE_SIZE);
  pages.forEach((bytes, i) => {
    image.set(bytes, i * PAGE_SIZE);
  });
  return image;
}
