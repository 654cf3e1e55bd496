import { createPageSlabs, wordOffset } from "./page-slab.js";
import { equalAt, isZeroAt, PAGE_WORDS } from "./pages.js";

/** The id of the page that is all zeros. It is never stored. */
export const ZERO_PAGE = 0;

/** Large, odd and without a pattern: 2^32 divided by the golden ratio. */
const HASH_FACTOR = 0x9e3779b1;

/** Pages known by an id each, equal pages by the same one and stored once. */
export interface PageInterner {
  /**
   * The id of the page at word `at`, which has one user more from now on. In a fresh interner the ids
   * are 1, 2, 3, ... in the order in which contents first come.
   */
  intern(words: Int32Array, at: number): number;
  /** Takes one user off a page. With the last one it is forgotten, and its id may be given again. */
  release(id: number): void;
  /** The content of a page other than {@link ZERO_PAGE}, as a view that is good until it is forgotten. */
  bytes(id: number): Uint8Array;
  /** Pages stored. */
  uniquePages(): number;
  /** Bytes of memory held for pages. */
  heldBytes(): number;
}

/** Makes an interner without pages. The page with id `n` lies in slot `n - 1` of its slabs. */
export function createPageInterner(): PageInterner {
  const slabs = createPageSlabs();
  /** The first page with a hash; the others follow by `nextWithHash`, which ends with ZERO_PAGE. */
  const firstWithHash = new Map<number, number>();
  const nextWithHash: number[] = [ZERO_PAGE];
  const users: number[] = [0];
  let unique = 0;

  function find(hash: number, words: Int32Array, at: number): number {
    let id = firstWithHash.get(hash) ?? ZERO_PAGE;
    while (id !== ZERO_PAGE && !equalAt(words, at, slabs.words(id - 1), wordOffset(id - 1))) {
      id = nextWithHash[id] ?? ZERO_PAGE;
    }
    return id;
  }

  function add(hash: number, words: Int32Array, at: number): number {
    const slot = slabs.allocate();
    slabs.words(slot).set(words.subarray(at, at + PAGE_WORDS), wordOffset(slot));
    const id = slot + 1;
    nextWithHash[id] = firstWithHash.get(hash) ?? ZERO_PAGE;
    firstWithHash.set(hash, id);
    users[id] = 0;
    unique++;
    return id;
  }

  function forget(id: number): void {
    const hash = hashAt(slabs.words(id - 1), wordOffset(id - 1));
    const next = nextWithHash[id] ?? ZERO_PAGE;
    let before = firstWithHash.get(hash) ?? ZERO_PAGE;
    if (before !== id) {
      while (nextWithHash[before] !== id) before = nextWithHash[before] ?? ZERO_PAGE;
      nextWithHash[before] = next;
    } else if (next !== ZERO_PAGE) {
      firstWithHash.set(hash, next);
    } else {
      firstWithHash.delete(hash);
    }
    slabs.free(id - 1);
    unique--;
  }

  return {
    intern(words, at) {
      if (isZeroAt(words, at)) return ZERO_PAGE;
      const hash = hashAt(words, at);
      const known = find(hash, words, at);
      const id = known === ZERO_PAGE ? add(hash, words, at) : known;
      users[id] = (users[id] ?? 0) + 1;
      return id;
    },
    release(id) {
      if (id === ZERO_PAGE) return;
      const left = (users[id] ?? 0) - 1;
      users[id] = left;
      if (left === 0) forget(id);
    },
    bytes: (id) => slabs.bytes(id - 1),
    uniquePages: () => unique,
    heldBytes: () => slabs.heldBytes(),
  };
}

/**
 * A 32-bit hash of the page at word `at`, fast and not hard to fool: equal hashes do not make equal
 * pages. Four sums run side by side, because a CPU can work on them at once.
 */
export function hashAt(words: Int32Array, at: number): number {
  let a = 1;
  let b = 2;
  let c = 3;
  let d = 4;
  for (let i = at, end = at + PAGE_WORDS; i < end; i += 4) {
    a = (Math.imul(a, HASH_FACTOR) + (words[i] ?? 0)) | 0;
    b = (Math.imul(b, HASH_FACTOR) + (words[i + 1] ?? 0)) | 0;
    c = (Math.imul(c, HASH_FACTOR) + (words[i + 2] ?? 0)) | 0;
    d = (Math.imul(d, HASH_FACTOR) + (words[i + 3] ?? 0)) | 0;
  }
  return Math.imul(a, 3) ^ Math.imul(b, 5) ^ Math.imul(c, 7) ^ d;
}
