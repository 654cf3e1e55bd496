import { checkPages, pageAt, PAGE_SIZE, writePages, type SparsePages } from "./pages.js";
import { createPageSlabs } from "./page-slab.js";

/** A request that a disk cannot serve. */
export class DiskError extends Error {
  override readonly name = "DiskError";
}

/** A copy-on-write disk: an immutable base image under an overlay of 4096-byte blocks. */
export interface OverlayDisk {
  /** As in the machine's configuration: `system`, `home`. */
  readonly name: string;
  /** Size in bytes. */
  readonly bytes: number;
  /** Whether the guest sees zeros in place of the contents: see {@link OverlayDisk.withhold}. */
  readonly isWithheld: boolean;
  /**
   * A fresh copy of `length` bytes from byte `offset`.
   *
   * @throws {DiskError} if the range does not lie on the disk
   */
  read(offset: number, length: number): Uint8Array;
  /**
   * Writes a copy of `data` at byte `offset`.
   *
   * @throws {DiskError} if the range does not lie on the disk
   */
  write(offset: number, data: Uint8Array): void;
  /** The blocks written so far, as a copy. Takes time in proportion to the overlay, not to the disk. */
  diff(): SparsePages;
  /** A disk with the same contents over the same base; what either writes from now on is its own. */
  fork(): OverlayDisk;
  /**
   * Puts a copy of `overlay` in place of what was written.
   *
   * @throws {PagesError} if it contradicts itself
   * @throws {DiskError} if it is of a disk of another size, or this disk is withheld
   */
  replace(overlay: SparsePages): void;
  /** Forgets all that was written: back to the base. */
  discard(): void;
  /**
   * The contents as an image of its own.
   *
   * @throws {DiskError} if the disk is withheld
   */
  commit(): Uint8Array;
  /**
   * Hides the contents and forgets what was written: from now on reads give zeros and writes are
   * dropped, so the guest finds no file system to mount. The disk of a reboot-dedicated VM that the
   * original VM still has mounted is withheld until the switch-over.
   */
  withhold(): void;
  /**
   * Shows the contents again, with `overlay` as what was written.
   *
   * @throws {PagesError | DiskError} as {@link OverlayDisk.replace}; the disk stays withheld then
   */
  attach(overlay: SparsePages): void;
}

/** What a disk is made from. */
export interface OverlayDiskOptions {
  readonly name: string;
  /** A whole number of blocks. Never written, so many disks may share it, across workers too. */
  readonly base: Uint8Array;
  /** What is written on it at first; copied. Nothing if absent. */
  readonly overlay?: SparsePages;
}

/**
 * Makes a disk. Everything it does is synchronous, and offsets need not be aligned.
 *
 * @throws {DiskError} if the base is not a whole number of blocks, or the overlay is of another size
 * @throws {PagesError} if the overlay contradicts itself
 */
export function createOverlayDisk({ name, base, overlay }: OverlayDiskOptions): OverlayDisk {
  const size = base.length;
  const blockCount = size / PAGE_SIZE;
  if (!Number.isInteger(blockCount)) {
    throw new DiskError(
      `disk ${name}: a base of ${size} bytes is not a whole number of ${PAGE_SIZE}-byte blocks: pad the image`,
    );
  }
  // A view of our own, because a Buffer's slice() would not copy.
  const image = new Uint8Array(base.buffer, base.byteOffset, size);
  let written = createPageSlabs();
  let slots = new Map<number, number>();
  let withheld = false;

  function checkRange(offset: number, length: number): void {
    const inside = Number.isSafeInteger(offset) && offset >= 0 && offset + length <= size;
    if (!inside || !Number.isSafeInteger(length) || length < 0) {
      throw new DiskError(
        `disk ${name}: ${length} bytes at byte ${offset} do not lie on a disk of ${size} bytes`,
      );
    }
  }

  function forget(): void {
    written = createPageSlabs();
    slots = new Map();
  }

  /** The overlay's block, made from the base if need be. */
  function ownBlock(block: number): Uint8Array {
    const slot = slots.get(block);
    if (slot !== undefined) return written.bytes(slot);
    const fresh = written.allocate();
    slots.set(block, fresh);
    const bytes = written.bytes(fresh);
    bytes.set(pageAt(image, block));
    return bytes;
  }

  function take(pages: SparsePages): void {
    checkPages(pages);
    if (pages.pageCount !== blockCount) {
      throw new DiskError(
        `disk ${name}: an overlay of ${pages.pageCount} blocks does not fit a disk of ${blockCount}: use the snapshot of a machine with this disk`,
      );
    }
    forget();
    pages.numbers.forEach((block, i) => {
      const slot = written.allocate();
      slots.set(block, slot);
      written.bytes(slot).set(pageAt(pages.data, i));
    });
  }

  function checkShown(verb: string): void {
    if (!withheld) return;
    throw new DiskError(`disk ${name} is withheld, so it cannot be ${verb}: attach it first`);
  }

  const disk: OverlayDisk = {
    name,
    bytes: size,
    get isWithheld() {
      return withheld;
    },
    read(offset, length) {
      checkRange(offset, length);
      if (withheld) return new Uint8Array(length);
      const end = offset + length;
      const data = image.slice(offset, end);
      for (const [block, start, stop] of blocksOf(offset, end)) {
        const slot = slots.get(block);
        if (slot === undefined) continue;
        const from = block * PAGE_SIZE;
        data.set(written.bytes(slot).subarray(start - from, stop - from), start - offset);
      }
      return data;
    },
    write(offset, data) {
      checkRange(offset, data.length);
      if (withheld) return;
      for (const [block, start, stop] of blocksOf(offset, offset + data.length)) {
        ownBlock(block).set(
          data.subarray(start - offset, stop - offset),
          start - block * PAGE_SIZE,
        );
      }
    },
    diff() {
      const numbers = Uint32Array.from(slots.keys()).sort();
      const data = new Uint8Array(numbers.length * PAGE_SIZE);
      numbers.forEach((block, i) => {
        data.set(ownBlock(block), i * PAGE_SIZE);
      });
      return { pageCount: blockCount, numbers, data };
    },
    fork() {
      const fork = createOverlayDisk({ name, base: image, overlay: disk.diff() });
      if (withheld) fork.withhold();
      return fork;
    },
    replace(pages) {
      checkShown("given another overlay");
      take(pages);
    },
    discard: forget,
    commit() {
      checkShown("committed");
      const copy = image.slice();
      writePages(copy, disk.diff());
      return copy;
    },
    withhold() {
      withheld = true;
      forget();
    },
    attach(pages) {
      take(pages);
      withheld = false;
    },
  };
  if (overlay !== undefined) take(overlay);
  return disk;
}

/** A disk as v86 takes it: an object with `get`, `set` and `load` is used as it is. */
export interface V86Disk {
  readonly byteLength: number;
  /** Set by v86, and called by {@link V86Disk.load}. */
  onload: ((event: object) => void) | undefined;
  load(): void;
  /** Calls `done` when it is served. */
  get(start: number, length: number, done: (data: Uint8Array) => void): void;
  /** Looks up the partition table, when the machine is switched on. */
  get_from_cache(start: number, length: number): Uint8Array;
  /** Makes `get_from_cache` able to answer; here it always is. */
  get_and_cache(start: number, length: number, done: (data: Uint8Array) => void): void;
  /** Calls `done` when it is served. */
  set(start: number, data: Uint8Array, done: () => void): void;
  /** Gives no buffer: the contents are not in one piece. */
  get_buffer(done: (buffer: undefined) => void): void;
  /** Gives nothing: the contents are not part of v86's own state. */
  get_state(): [];
  set_state(): void;
}

/**
 * Shows a disk to v86, as the option `hda` or `hdb`. The calling convention is that of the buffers in
 * v86's `src/buffer.js`, and its callers are in `src/ide.js`.
 *
 * @param serve is told of each request to the disk and calls `done` when it has taken its time; by default
 *   it takes none
 */
export function asV86Disk(
  disk: OverlayDisk,
  serve: (bytes: number, done: () => void) => void = (_, done) => {
    done();
  },
): V86Disk {
  const get: V86Disk["get"] = (start, length, done) => {
    const data = disk.read(start, length);
    serve(length, () => {
      done(data);
    });
  };
  const v86Disk: V86Disk = {
    byteLength: disk.bytes,
    onload: undefined,
    load() {
      this.onload?.({});
    },
    get,
    get_from_cache: (start, length) => disk.read(start, length),
    get_and_cache(start, length, done) {
      done(disk.read(start, length));
    },
    set(start, data, done) {
      disk.write(start, data);
      serve(data.length, done);
    },
    get_buffer(done) {
      done(undefined);
    },
    get_state: () => [],
    set_state() {
      // Whoever restores a snapshot puts the overlay back.
    },
  };
  // v86 prints every plain object that it meets while it saves its state.
  Object.setPrototypeOf(v86Disk, null);
  return v86Disk;
}

/** The blocks that bytes `offset` to `end` touch, each with the first byte in it and the one after the last. */
function* blocksOf(offset: number, end: number): Generator<[number, number, number]> {
  for (let start = offset; start < end;) {
    const block = Math.floor(start / PAGE_SIZE);
    const stop = Math.min(end, (block + 1) * PAGE_SIZE);
    yield [block, start, stop];
    start = stop;
  }
}
