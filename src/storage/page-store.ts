import { createPageInterner, ZERO_PAGE } from "./page-interner.js";
import { pageAt, PAGE_SIZE, PAGE_WORDS, type SparsePages, wordsOf } from "./pages.js";

/** Pages in a store. It means something only to the store that gave it, and until it is released. */
export interface StoredPages {
  /** Pages in the whole thing, listed or not. */
  readonly pageCount: number;
  /** Pages listed. */
  readonly listed: number;
}

/** What a store holds. */
export interface PageStoreStats {
  /** Pages listed by all that was put in. */
  readonly pages: number;
  /** Different contents among them, zeros not counted: the pages really stored. */
  readonly uniquePages: number;
  /** Bytes of memory held for contents. */
  readonly bytes: number;
}

/** Keeps the pages of many snapshots, equal pages once and zero pages not at all. */
export interface PageStore {
  /** Stores a copy of the pages. */
  put(pages: SparsePages): StoredPages;
  /**
   * A fresh copy of what was put in.
   *
   * @throws {RangeError} if `stored` is not in this store
   */
  get(stored: StoredPages): SparsePages;
  /**
   * Forgets what was put in, and every page that nothing else in the store has.
   *
   * @throws {RangeError} if `stored` is not in this store
   */
  release(stored: StoredPages): void;
  stats(): PageStoreStats;
}

/** Makes an empty store. */
export function createPageStore(): PageStore {
  const interner = createPageInterner();
  const contents = new Map<StoredPages, { numbers: Uint32Array; ids: Uint32Array }>();

  function find(stored: StoredPages) {
    const content = contents.get(stored);
    if (content !== undefined) return content;
    throw new RangeError("these pages are not in the store: they were released, or are another's");
  }

  return {
    put({ pageCount, numbers, data }) {
      const words = wordsOf(data);
      const ids = numbers.map((_, i) => interner.intern(words, i * PAGE_WORDS));
      const stored = { pageCount, listed: numbers.length };
      contents.set(stored, { numbers: numbers.slice(), ids });
      return stored;
    },
    get(stored) {
      const { numbers, ids } = find(stored);
      const data = new Uint8Array(ids.length * PAGE_SIZE);
      ids.forEach((id, i) => {
        if (id !== ZERO_PAGE) pageAt(data, i).set(interner.bytes(id));
      });
      return { pageCount: stored.pageCount, numbers: numbers.slice(), data };
    },
    release(stored) {
      for (const id of find(stored).ids) interner.release(id);
      contents.delete(stored);
    },
    stats: () => ({
      pages: [...contents.keys()].reduce((sum, { listed }) => sum + listed, 0),
      uniquePages: interner.uniquePages(),
      bytes: interner.heldBytes(),
    }),
  };
}
