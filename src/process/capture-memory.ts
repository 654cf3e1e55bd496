/**
 * What lies in the memory of a stopped process, read from the machine's RAM.
 *
 * References:
 * - [pagemap] Documentation/admin-guide/mm/pagemap.rst of Linux
 */
import { concat } from "../guest/files.js";
import type { Program } from "../guest/gate.js";
import { hex } from "../guest/memory.js";
import type { MapsLine } from "../guest/procfs.js";
import { PAGE_BYTES } from "../guest/page-tables.js";
import { OUT_BYTES, type Stub } from "../guest/stub-session.js";
import type { GuestAccess } from "../machine/resident.js";
import { CannotCarry } from "./files/file-kind.js";

/** Pages and where they lie; the content of one follows on that of the other. */
export interface Pages {
  readonly addresses: Uint32Array;
  readonly content: Uint8Array;
}

const ENTRY_BYTES = 8;
/** The kernel looks at a whole piece of so many bytes of addresses, however few entries are asked for (fs/proc/task_mmu.c). */
const WALKED_BYTES = 4 << 20;
/** Bits of the upper half of an entry of the page map. */
const PRESENT = 0x80000000;
const SWAPPED = 0x40000000;
const OF_FILE = 0x20000000;
const FRAME_HIGH = 0x007fffff;

/**
 * The pages of a process that are its own: not those that show a file as it is.
 *
 * @param isNew whether a page has to be in the result; it is asked for each page that could be
 * @throws {CannotCarry} if a page is swapped out, or they are more than the guest has RAM
 */
export function* capturePages(
  stub: Stub,
  access: GuestAccess,
  pid: number,
  mappings: readonly MapsLine[],
  isNew: (address: number, content: Uint8Array, mapping: MapsLine) => boolean,
): Program<Pages> {
  const addresses: number[] = [];
  const pieces: Uint8Array[] = [];
  const fd = yield* stub.call("open", `/proc/${pid}/pagemap`, 0);
  try {
    const last = mappings.at(-1)?.end ?? 0;
    let known: { from: number; entries: DataView } = {
      from: 0,
      entries: new DataView(new ArrayBuffer(0)),
    };
    for (const mapping of mappings) {
      const { start, end } = mapping;
      for (let at = start; at < end;) {
        const isKnown = at >= known.from && entryOf(at - known.from) < known.entries.byteLength;
        if (!isKnown) known = { from: at, entries: yield* readEntries(stub, fd, at, end, last) };
        const { from, entries } = known;
        if (entries.byteLength === 0) break;
        for (; at < end && entryOf(at - from) < entries.byteLength; at += PAGE_BYTES) {
          const entry = entryOf(at - from);
          const high = entries.getUint32(entry + 4, true);
          if ((high & SWAPPED) !== 0) {
            throw new CannotCarry(`page ${hex(at)} of process ${pid} is swapped out`);
          }
          if ((high & PRESENT) === 0 || (high & OF_FILE) !== 0) continue;
          const frame = (high & FRAME_HIGH) * 2 ** 32 + entries.getUint32(entry, true);
          const content = frameContent(access, frame);
          if (!isNew(at, content, mapping)) continue;
          addresses.push(at);
          // Until the next entries are here the guest runs, and may use the frame for something else.
          pieces.push(content.slice());
          if (pieces.length * PAGE_BYTES > access.ram().length) {
            throw new CannotCarry(
              `process ${pid} claims to have more pages of its own than the guest has RAM`,
            );
          }
        }
      }
    }
  } finally {
    yield* stub.attempt("close", fd);
  }
  return { addresses: Uint32Array.from(addresses), content: concat(pieces) };
}

/**
 * Sees to it that what was read of several processes can be made again. A page that they share until one of them
 * writes to it is read for each of them, so that it can be more than there was.
 *
 * @throws {CannotCarry} if it does not fit into the guest's RAM
 */
export function expectRoom(
  access: GuestAccess,
  processes: readonly { readonly pid: number; readonly pages: Pages }[],
): void {
  const bytes = processes.reduce((sum, { pages }) => sum + pages.content.length, 0);
  const room = access.ram().length;
  if (bytes <= room) return;
  const pid = processes.at(-1)?.pid ?? 0;
  throw new CannotCarry(
    `up to process ${pid}, the processes have ${inMiB(bytes)} MiB of memory if none of it is shared, ` +
      `and the guest has ${inMiB(room)} MiB of RAM; move fewer of them`,
  );
}

function inMiB(bytes: number): number {
  return Math.ceil(bytes / 2 ** 20);
}

/** Where the entry of a page lies behind that of the page at 0, in bytes. */
function entryOf(address: number): number {
  return (address / PAGE_BYTES) * ENTRY_BYTES;
}

/**
 * Entries of the page map from an address on: of a mapping, and of what lies behind it in the same piece.
 *
 * @param end where the mapping ends
 * @param last where the last mapping does
 */
function* readEntries(
  stub: Stub,
  fd: number,
  address: number,
  end: number,
  last: number,
): Program<DataView> {
  const pieceEnd = Math.ceil(end / WALKED_BYTES) * WALKED_BYTES;
  const bytes = Math.min(OUT_BYTES, entryOf(Math.min(pieceEnd, last) - address));
  const read = yield* stub.call("pread64", fd, stub.out, bytes, entryOf(address), 0);
  return stub.view(read);
}

/** A view of a page frame; good until the guest runs. */
function frameContent(access: GuestAccess, frame: number): Uint8Array {
  const ram = access.ram();
  const at = frame * PAGE_BYTES;
  if (at + PAGE_BYTES > ram.length) throw new CannotCarry(`the guest names page frame ${frame}`);
  return ram.subarray(at, at + PAGE_BYTES);
}

/** Whether a page has something that its mapping does not give it anyway. Where a file is mapped, zeros hide the file. */
export function isContent(page: Uint8Array, { path }: MapsLine): boolean {
  return path.startsWith("/") || !isZero(page);
}

function isZero(page: Uint8Array): boolean {
  const words = new Int32Array(page.buffer, page.byteOffset, PAGE_BYTES / 4);
  for (const word of words) if (word !== 0) return false;
  return true;
}
