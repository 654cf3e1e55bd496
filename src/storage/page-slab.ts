import { PAGE_SIZE, PAGE_WORDS } from "./pages.js";

/** Pages in one slab: memory is taken and given back by 1 MiB. */
const SLAB_PAGES = 256;

/** Memory for pages, known by a slot each: 0, 1, 2, ... */
export interface PageSlabs {
  /** Takes a slot: the one freed last, else the next that was never used. Its content is arbitrary. */
  allocate(): number;
  /** Gives a slot back. The memory goes with the last slot of its slab. */
  free(slot: number): void;
  /** The page in a slot, as a view that is good until the slot is freed. */
  bytes(slot: number): Uint8Array;
  /** The words of the slab that the slot's page lies in, from {@link wordOffset} on. */
  words(slot: number): Int32Array;
  /** Bytes of memory held. */
  heldBytes(): number;
}

interface Slab {
  readonly bytes: Uint8Array;
  readonly words: Int32Array;
  used: number;
}

/**
 * Keeps pages in slabs. A buffer for each page would cost the garbage collector dearly, and one for
 * all would have to be copied whenever it grows.
 */
export function createPageSlabs(): PageSlabs {
  /** By slot / SLAB_PAGES; a slab with no slot in use is absent. */
  const slabs = new Map<number, Slab>();
  const freed: number[] = [];
  let next = 0;

  function slabOf(slot: number): Slab {
    const index = Math.floor(slot / SLAB_PAGES);
    const known = slabs.get(index);
    if (known !== undefined) return known;
    const bytes = new Uint8Array(SLAB_PAGES * PAGE_SIZE);
    const slab = { bytes, words: new Int32Array(bytes.buffer), used: 0 };
    slabs.set(index, slab);
    return slab;
  }

  return {
    allocate() {
      const slot = freed.pop() ?? next++;
      slabOf(slot).used++;
      return slot;
    },
    free(slot) {
      const slab = slabOf(slot);
      slab.used--;
      if (slab.used === 0) slabs.delete(Math.floor(slot / SLAB_PAGES));
      freed.push(slot);
    },
    bytes(slot) {
      const start = (slot % SLAB_PAGES) * PAGE_SIZE;
      return slabOf(slot).bytes.subarray(start, start + PAGE_SIZE);
    },
    words: (slot) => slabOf(slot).words,
    heldBytes: () => slabs.size * SLAB_PAGES * PAGE_SIZE,
  };
}

/** The word at which a slot's page starts in the words of its slab. */
export function wordOffset(slot: number): number {
  return (slot % SLAB_PAGES) * PAGE_WORDS;
}
