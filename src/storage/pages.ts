/** Bytes in a page of guest memory and in a block of a disk overlay. */
export const PAGE_SIZE = 4096;

/**
 * The pages of a sparse thing (guest RAM, a disk overlay) that are worth keeping.
 *
 * Page `numbers[i]` has the content `data[i * PAGE_SIZE ... (i + 1) * PAGE_SIZE)`. A page that is not
 * listed reads as whatever lies under it: zeros for RAM, the base image for a disk.
 */
export interface SparsePages {
  /** Pages in the whole thing, listed or not. */
  readonly pageCount: number;
  /** Page numbers (page frame numbers for RAM, block numbers for a disk), strictly ascending. */
  readonly numbers: Uint32Array;
  /** Contents in the order of `numbers`; its length is `numbers.length * PAGE_SIZE`. */
  readonly data: Uint8Array;
}
