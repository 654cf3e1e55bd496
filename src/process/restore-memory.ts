/**
 * Giving a stub the memory of the process that it is to become.
 *
 * References:
 * - [mmap(2)], [madvise(2)] MADV_POPULATE_WRITE (since Linux 5.14), [mremap(2)]
 */
import { SystemCallFailed } from "../guest/errno.js";
import type { Program } from "../guest/gate.js";
import { hex } from "../guest/memory.js";
import { PAGE_BYTES } from "../guest/page-tables.js";
import type { MapsLine } from "../guest/procfs.js";
import { PARKING_AREA, STUB_AREA } from "../guest/stub.js";
import type { Stub } from "../guest/stub-session.js";
import type { OpenFiles } from "./restore-files.js";
import { isSameFile } from "./file-version.js";
import type { Pages } from "./capture-memory.js";
import { CannotCarry } from "./files/file-kind.js";
import type { Mapping, ProcessImage } from "./image.js";
import { keptRanges, overlapping, type Range, without } from "./kept-ranges.js";
import type { ChangedPages, OutlinedProcess } from "./outline.js";
import { attachSegments } from "./restore-system-v.js";
import { redirectVdso } from "./vdso.js";

const NONE_OPEN: OpenFiles = { opener: 0, descriptors: [], kinds: [] };
const PROT_WRITE = 2;
const PROT_ALL = 7;
const PROT_READ_EXECUTE = 5;
const MAP_SHARED = 1;
const MAP_PRIVATE = 2;
const MAP_FIXED = 0x10;
const MAP_ANONYMOUS = 0x20;
const MAP_GROWSDOWN = 0x100;
const MAP_POPULATE = 0x8000;
const MREMAP_MAYMOVE_FIXED = 3;
const MADV_DONTNEED = 4;
const MADV_POPULATE_WRITE = 23;
const O_RDWR = 2;

/** What a stub has in its memory when it starts, from its `/proc/self/maps`, and the image of its vDSO. */
export interface StubAreas {
  readonly maps: readonly MapsLine[];
  readonly vdsoImage: Uint8Array;
}

/** Memory that a stub was given before all was known of the process that it is to become. */
export interface PreparedMemory {
  readonly mappings: readonly Mapping[];
  /** Where this kernel's vDSO lies now, with all that belongs to it. */
  readonly parked: Range & { readonly vdso: number };
  /** What lies in the place of the process's own. */
  readonly vdso: ProcessImage["vdso"];
}

/**
 * Replaces the stub's memory, but for its own area, by as much of a process's as is known of it. Mappings
 * of files without a name are not made.
 *
 * @param keepFree what else the process is going to have
 */
export function* prepareMemory(
  stub: Stub,
  areas: StubAreas,
  { pid, mappings, pages, vdso }: OutlinedProcess,
  keepFree: readonly Range[] = [],
): Program<PreparedMemory> {
  const taken = [...mappings, ...keepFree, ...vdsoRange(vdso)];
  const inTheWay = taken.find(({ start }) => start < STUB_AREA.end);
  if (inTheWay !== undefined) {
    throw new CannotCarry(
      `process ${pid} has memory at ${hex(inTheWay.start)}, where it would be in the way of its own restore`,
    );
  }
  const parked = yield* parkVdso(stub, areas, taken);
  for (const { start, end, path } of areas.maps) {
    const isOwn = start >= STUB_AREA.start && start < STUB_AREA.end && !path.startsWith("/");
    if (!isOwn && !path.startsWith("[v")) yield* stub.call("munmap", start, end - start);
  }
  for (const mapping of mappings) yield* map(stub, mapping, pid, NONE_OPEN);
  yield* fill(stub, mappings, pages);
  yield* replaceVdso(stub, areas, parked, vdso);
  return { mappings, parked, vdso };
}

/** Whether memory that was prepared can become that of a process: nothing may lie where the vDSO was parked. */
export function canBecome({ parked }: PreparedMemory, process: ProcessImage): boolean {
  return takenBy(process).every(({ start, end }) => end <= parked.start || start >= parked.end);
}

/** What a process has of its addresses. */
export function takenBy({ mappings, attachments, vdso }: ProcessImage): Range[] {
  return [...mappings, ...attachments, ...vdsoRange(vdso)];
}

function vdsoRange(vdso: ProcessImage["vdso"]): Range[] {
  return vdso === null ? [] : [{ start: vdso.address, end: vdso.address + vdso.image.length }];
}

/**
 * Makes prepared memory that of the process.
 *
 * @param opened the files of the image, in the stub that has opened them
 * @param gone addresses of pages that were prepared and are to be as their mappings make them
 */
export function* restoreMemory(
  stub: Stub,
  areas: StubAreas,
  prepared: PreparedMemory,
  { mappings, attachments, pages, vdso, pid }: ProcessImage,
  { opened, gone }: { readonly opened: OpenFiles; readonly gone: Uint32Array },
): Program<void> {
  const kept = keptRanges(prepared.mappings, mappings);
  for (const mapping of prepared.mappings) {
    for (const { start, end } of without(mapping, kept)) {
      yield* stub.call("munmap", start, end - start);
    }
  }
  for (const mapping of mappings) {
    for (const { start, end } of without(mapping, kept)) {
      const offset = mapping.offset + (start - mapping.start);
      yield* map(stub, { ...mapping, start, end, offset }, pid, opened);
    }
  }
  for (const mapping of mappings) {
    const { start, end, protection } = mapping;
    const hasChanged = overlapping(prepared.mappings, mapping).some(
      (other) => other.protection !== protection,
    );
    if (hasChanged) yield* stub.call("mprotect", start, end - start, protection);
  }
  yield* attachSegments(stub, attachments);
  yield* discard(stub, gone);
  yield* fill(stub, mappings, pages);
  if (!isSameVdso(prepared.vdso, vdso)) yield* replaceVdso(stub, areas, prepared.parked, vdso);
  for (const { start, end, locked } of mappings) {
    if (locked) yield* stub.call("mlock", start, end - start);
  }
}

/** Brings pages up to date that were prepared; mappings stay as they are. */
export function* refreshMemory(
  stub: Stub,
  mappings: readonly Mapping[],
  { pages, gone }: ChangedPages,
): Program<void> {
  yield* discard(stub, gone);
  yield* fill(stub, mappings, pages);
}

/** Puts into the place of a process's vDSO one that leads to this kernel's. */
function* replaceVdso(
  stub: Stub,
  { vdsoImage }: StubAreas,
  parked: PreparedMemory["parked"],
  vdso: ProcessImage["vdso"],
): Program<void> {
  if (vdso === null) return;
  const image = redirectVdso(vdso.image, vdso.address, vdsoImage, parked.vdso);
  const flags = MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS | MAP_POPULATE;
  yield* stub.call("mmap2", vdso.address, image.length, PROT_ALL, flags, -1, 0);
  stub.memory.write(vdso.address, image);
  yield* stub.call("mprotect", vdso.address, image.length, PROT_READ_EXECUTE);
}

function isSameVdso(one: ProcessImage["vdso"], other: ProcessImage["vdso"]): boolean {
  if (one === null || other === null) return one === other;
  return (
    one.address === other.address &&
    one.image.length === other.image.length &&
    one.image.every((byte, index) => byte === other.image[index])
  );
}

/** Moves this kernel's vDSO to where nothing of the process lies. */
function* parkVdso(
  stub: Stub,
  { maps }: StubAreas,
  mappings: readonly Range[],
): Program<PreparedMemory["parked"]> {
  const kernels = maps.filter(({ path }) => path.startsWith("[v"));
  const first = kernels[0];
  const vdso = kernels.find(({ path }) => path === "[vdso]");
  if (first === undefined || vdso === undefined) {
    throw new CannotCarry("the kernel to restore on gives its processes no vDSO");
  }
  const taken = [...mappings, ...maps];
  let at: number = PARKING_AREA.start;
  const bytes = vdso.end - first.start;
  for (;;) {
    const inTheWay = taken.find(({ start, end }) => start < at + bytes && end > at);
    if (inTheWay === undefined) break;
    at = inTheWay.end;
  }
  for (const { start, end } of kernels) {
    const size = end - start;
    const to = at + start - first.start;
    yield* stub.call("mremap", start, size, size, MREMAP_MAYMOVE_FIXED, to);
  }
  return { start: at, end: at + bytes, vdso: at + vdso.start - first.start };
}

function* map(stub: Stub, mapping: Mapping, pid: number, opened: OpenFiles): Program<void> {
  const { start, end, protection, shared, offset, growsDown } = mapping;
  const fd = yield* openMapped(stub, mapping, pid, opened);
  const flags =
    MAP_FIXED |
    (shared ? MAP_SHARED : MAP_PRIVATE) |
    (growsDown ? MAP_GROWSDOWN : 0) |
    (fd === null ? MAP_ANONYMOUS : 0);
  const page = fd === null ? 0 : offset / PAGE_BYTES;
  yield* stub.call("mmap2", start, end - start, protection, flags, fd ?? -1, page);
  if (fd !== null) yield* stub.call("close", fd);
}

/** A descriptor of the file that a mapping shows; null if it shows none. */
function* openMapped(
  stub: Stub,
  { start, protection, shared, file, openFile }: Mapping,
  pid: number,
  { opener, descriptors, kinds }: OpenFiles,
): Program<number | null> {
  const mode = shared && (protection & PROT_WRITE) !== 0 ? O_RDWR : 0;
  if (openFile !== null) {
    // Memory that is shared without a file can always be made writable; that of a file only if it was opened so.
    const fileMode = kinds[openFile] === "shared-memory" ? O_RDWR : mode;
    // The process was made before the file was opened, and has not got it.
    const path = `/proc/${opener}/fd/${descriptors[openFile] ?? -1}`;
    return yield* stub.call("open", path, fileMode);
  }
  if (file === null) return null;
  if (!(yield* isSameFile(stub, file))) {
    throw new CannotCarry(
      `process ${pid} has ${file.path} mapped at ${hex(start)}, which is another file after the update`,
    );
  }
  return yield* stub.call("open", file.path, mode);
}

/** Writes pages into memory that is mapped; where it may not be written to, it may for a moment. */
function* fill(
  stub: Stub,
  mappings: readonly Mapping[],
  { addresses, content }: Pages,
): Program<void> {
  for (const [first, count] of pageRuns(addresses)) {
    const start = addresses[first] ?? 0;
    const end = start + count * PAGE_BYTES;
    const closed = overlapping(mappings, { start, end }).filter(
      ({ protection }) => (protection & PROT_WRITE) === 0,
    );
    for (const { protection, ...range } of closed) {
      yield* stub.call("mprotect", range.start, range.end - range.start, protection | PROT_WRITE);
    }
    yield* populate(stub, start, end - start);
    stub.memory.write(start, content.subarray(first * PAGE_BYTES, (first + count) * PAGE_BYTES));
    for (const { protection, ...range } of closed) {
      yield* stub.call("mprotect", range.start, range.end - range.start, protection);
    }
  }
}

/** Gives pages back, so that they are as their mappings make them. */
function* discard(stub: Stub, addresses: Uint32Array): Program<void> {
  for (const [first, count] of pageRuns(addresses)) {
    yield* stub.call("madvise", addresses[first] ?? 0, count * PAGE_BYTES, MADV_DONTNEED);
  }
}

/** Pages that lie one behind the other: index of the first, and how many. */
export function* pageRuns(addresses: Uint32Array): Generator<readonly [number, number]> {
  let first = 0;
  for (let index = 1; index <= addresses.length; index++) {
    const next = (addresses[first] ?? 0) + (index - first) * PAGE_BYTES;
    if (addresses[index] === next) continue;
    yield [first, index - first];
    first = index;
  }
}

function* populate(stub: Stub, start: number, bytes: number): Program<void> {
  const result = yield* stub.attempt("madvise", start, bytes, MADV_POPULATE_WRITE);
  if (result === 0) return;
  // Older kernels: whoever reads zeros to a page gets a page of its own.
  const zeros = yield* stub.call("open", "/dev/zero", 0);
  for (let done = 0; done < bytes;) {
    const read = yield* stub.call("read", zeros, start + done, bytes - done);
    if (read === 0) throw new SystemCallFailed("read from /dev/zero", 5);
    done += read;
  }
  yield* stub.call("close", zeros);
}
