/**
 * From a task's addresses to RAM, as the processor finds them.
 *
 * References:
 * - [sdm] Intel 64 and IA-32 Architectures Software Developer's Manual, volume 3, 4.3 (32-bit paging) and 4.4 (PAE paging)
 */

/** Page size, in bytes. */
export const PAGE_BYTES = 4096;

/** Where a task's page tables are. */
export interface PageTables {
  /** Physical address of the root. */
  readonly root: number;
  /** Whether entries are of 8 bytes (PAE paging). */
  readonly extended: boolean;
}

const PRESENT = 1;
const WRITABLE = 2;
const LARGE = 0x80;

/** A page of a task that is in RAM. */
export interface PageFrame {
  /** Physical address of its first byte. */
  readonly address: number;
  /** Whether the task may write to it now: a page that is shared until one writes is not. */
  readonly writable: boolean;
}

/**
 * The page that holds an address of a task, or null if it is not in RAM.
 *
 * @param ram guest RAM; an entry outside of it counts as not there
 */
export function findPage(ram: DataView, tables: PageTables, address: number): PageFrame | null {
  return tables.extended ? findExtended(ram, tables, address) : findPlain(ram, tables, address);
}

function entry(ram: DataView, at: number): number {
  return at >= 0 && at + 4 <= ram.byteLength ? ram.getUint32(at, true) : 0;
}

function findPlain(ram: DataView, { root }: PageTables, address: number): PageFrame | null {
  const directory = entry(ram, (root & ~0xfff) + 4 * (address >>> 22));
  if ((directory & PRESENT) === 0) return null;
  if ((directory & LARGE) !== 0) {
    const large = (directory & 0xffc00000) >>> 0;
    return within(ram, large + (address & 0x3ff000), (directory & WRITABLE) !== 0);
  }
  const table = (directory & ~0xfff) >>> 0;
  const page = entry(ram, table + 4 * ((address >>> 12) & 0x3ff));
  if ((page & PRESENT) === 0) return null;
  return within(ram, (page & ~0xfff) >>> 0, (directory & page & WRITABLE) !== 0);
}

function findExtended(ram: DataView, { root }: PageTables, address: number): PageFrame | null {
  const top = entry(ram, (root & ~0x1f) + 8 * (address >>> 30));
  if ((top & PRESENT) === 0) return null;
  const directory = entry(ram, ((top & ~0xfff) >>> 0) + 8 * ((address >>> 21) & 0x1ff));
  if ((directory & PRESENT) === 0) return null;
  if ((directory & LARGE) !== 0) {
    const large = (directory & 0xffe00000) >>> 0;
    return within(ram, large + (address & 0x1ff000), (directory & WRITABLE) !== 0);
  }
  const page = entry(ram, ((directory & ~0xfff) >>> 0) + 8 * ((address >>> 12) & 0x1ff));
  if ((page & PRESENT) === 0) return null;
  return within(ram, (page & ~0xfff) >>> 0, (directory & page & WRITABLE) !== 0);
}

function within(ram: DataView, address: number, writable: boolean): PageFrame | null {
  return address + PAGE_BYTES <= ram.byteLength ? { address, writable } : null;
}
