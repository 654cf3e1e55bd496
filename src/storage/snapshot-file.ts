/**
 * Snapshot files, format 1.0. All numbers are little-endian.
 *
 * | bytes | content                                                                         |
 * | ----- | ------------------------------------------------------------------------------- |
 * | 0     | magic: 89 `S` `R` `S` `N` 0D 0A 1A; like PNG's it shows damage by text transfer |
 * | 8     | u16 major version: another one cannot be read                                   |
 * | 10    | u16 minor version: a newer one cannot be read, an older one can                 |
 * | 12    | u32 length of the header                                                        |
 * | 16    | SHA-256 over bytes 0 to 15 and the header                                       |
 * | 48    | header: JSON in UTF-8, see snapshot-header.ts                                   |
 * | then  | the sections, one right after another in the header's order; nothing follows    |
 *
 * The sections, each a raw DEFLATE stream with the SHA-256 of its bytes in the header:
 *
 * | name             | content before compression                                                |
 * | ---------------- | ------------------------------------------------------------------------- |
 * | `devices`        | the state of the devices, opaque                                          |
 * | `pages`          | every content that a page has, once, 4096 bytes each; they count from 1   |
 * | `ram`            | index: for each listed page u32 page number, ascending, and u32 content;  |
 * |                  | content 0 is a page of zeros, which is not stored                         |
 * | `disk0`, `disk1` | index of the blocks written on each disk of the configuration             |
 *
 * The same snapshot always gives the same bytes.
 *
 * References:
 * - [PNG] https://www.w3.org/TR/png-3/#5PNG-file-signature, for the magic
 * - [DEFLATE] https://www.rfc-editor.org/rfc/rfc1951
 */
import { virtualMs } from "../clock/virtual-time.js";
import { concat, hex, sha256, unshared } from "./bytes.js";
import { allocate, deflate, inflate } from "./compression.js";
import { createPageInterner, type PageInterner, ZERO_PAGE } from "./page-interner.js";
import { pageAt, PAGE_SIZE, PAGE_WORDS, type SparsePages, wordsOf } from "./pages.js";
import { checkWhole, damaged, type Snapshot } from "./snapshot.js";
import {
  checkLength,
  decodeHeader,
  encodeHeader,
  type SnapshotHeader,
  type SnapshotSection,
} from "./snapshot-header.js";

const INDEX_ENTRY_BYTES = 8;
/** The state of the devices is a few MB. More than this is none of ours. */
const MAX_DEVICE_BYTES = 64 * 1024 * 1024;

/**
 * The snapshot as a file.
 *
 * @throws {SnapshotError} if the snapshot contradicts itself
 */
export async function encodeSnapshot(
  snapshot: Snapshot,
  { comment = "" }: { readonly comment?: string } = {},
): Promise<Uint8Array> {
  checkWhole(snapshot);
  const { config, emulator, clock, randomState, devices, ram, disks } = snapshot;
  const interner = createPageInterner();
  const indexes = [
    { name: "ram", raw: encodeIndex(ram, interner) },
    ...disks.map((disk, i) => ({ name: `disk${i}`, raw: encodeIndex(disk, interner) })),
  ];
  const contents = { name: "pages", raw: contentsOf(interner) };
  const sections: SnapshotSection[] = [];
  const parts: Uint8Array[] = [];
  for (const { name, raw } of [{ name: "devices", raw: devices }, contents, ...indexes]) {
    const stored = deflate(raw);
    const checksum = hex(await sha256(stored));
    sections.push({ name, rawBytes: raw.length, storedBytes: stored.length, sha256: checksum });
    parts.push(stored);
  }
  const header = { comment, config, emulator, clock, randomState, sections };
  return concat([await encodeHeader(header), ...parts]);
}

/**
 * The snapshot in a file. Nothing of the result shares memory with `file`.
 *
 * @throws {SnapshotError} if the file is not a snapshot, is of a newer format, or any byte of it is
 *   damaged, missing or too many
 */
export async function decodeSnapshot(file: Uint8Array): Promise<Snapshot> {
  const own = unshared(file);
  const { header, end } = await readHeader(own);
  const { config, emulator, clock, randomState } = header;
  const sections = await readSections(own, header.sections, end);
  const section = (name: string): Uint8Array => {
    const raw = sections.get(name);
    if (raw === undefined) throw damaged(`there is no section ${name}`);
    return raw;
  };
  const contents = section("pages");
  const snapshot: Snapshot = {
    config,
    emulator,
    clock: virtualMs(clock),
    randomState,
    devices: section("devices"),
    ram: decodeIndex(section("ram"), contents, config.memoryBytes),
    disks: config.disks.map(({ bytes }, i) => decodeIndex(section(`disk${i}`), contents, bytes)),
  };
  checkWhole(snapshot);
  return snapshot;
}

/**
 * The header of a snapshot file, for a look at what is in it. Contents are not read, so damage in them
 * stays unseen.
 *
 * @throws {SnapshotError} if the file is not a snapshot, its header is damaged, or it is cut off
 */
export async function readSnapshotHeader(file: Uint8Array): Promise<SnapshotHeader> {
  return (await readHeader(unshared(file))).header;
}

async function readHeader(
  file: Uint8Array<ArrayBuffer>,
): Promise<{ header: SnapshotHeader; end: number }> {
  const { header, end } = await decodeHeader(file);
  checkSizes(header);
  const wanted = header.sections.reduce((sum, { storedBytes }) => sum + storedBytes, end);
  checkLength(file, wanted);
  if (file.length > wanted) {
    throw damaged(`${file.length - wanted} bytes follow its end`);
  }
  return { header, end };
}

/** Checks that the sections are those of the machine and not larger than it, before memory is taken for them. */
function checkSizes({ config, sections }: SnapshotHeader): void {
  const index = (name: string, bytes: number) => {
    return { name, limit: (bytes / PAGE_SIZE) * INDEX_ENTRY_BYTES, unit: INDEX_ENTRY_BYTES };
  };
  const indexBytes = sections.slice(2).reduce((sum, { rawBytes }) => sum + rawBytes, 0);
  const listed = indexBytes / INDEX_ENTRY_BYTES;
  const expected = [
    { name: "devices", limit: MAX_DEVICE_BYTES, unit: 1 },
    { name: "pages", limit: listed * PAGE_SIZE, unit: PAGE_SIZE },
    index("ram", config.memoryBytes),
    ...config.disks.map(({ bytes }, i) => index(`disk${i}`, bytes)),
  ];
  const names = sections.map(({ name }) => name).join(", ");
  const expectedNames = expected.map(({ name }) => name).join(", ");
  if (names !== expectedNames) {
    throw damaged(`it has the sections ${names}, its machine needs ${expectedNames}`);
  }
  expected.forEach(({ name, limit, unit }, i) => {
    const claimed = sections[i]?.rawBytes ?? 0;
    if (claimed <= limit && claimed % unit === 0) return;
    throw damaged(
      `section ${name} claims ${claimed} bytes, not a multiple of ${unit} up to ${limit}`,
    );
  });
}

/** The sections, checked and unpacked, by name. */
async function readSections(
  file: Uint8Array<ArrayBuffer>,
  sections: readonly SnapshotSection[],
  start: number,
): Promise<Map<string, Uint8Array>> {
  const raw = new Map<string, Uint8Array>();
  let at = start;
  for (const { name, rawBytes, storedBytes, sha256: checksum } of sections) {
    const stored = file.subarray(at, at + storedBytes);
    if (hex(await sha256(stored)) !== checksum) {
      throw damaged(`the SHA-256 of section ${name} differs`);
    }
    raw.set(name, await inflate(stored, rawBytes));
    at += storedBytes;
  }
  return raw;
}

/** Page number and content of each listed page; contents are added to the interner. */
function encodeIndex({ numbers, data }: SparsePages, interner: PageInterner): Uint8Array {
  const words = wordsOf(data);
  const index = new Uint8Array(numbers.length * INDEX_ENTRY_BYTES);
  const view = new DataView(index.buffer);
  numbers.forEach((number, i) => {
    view.setUint32(i * INDEX_ENTRY_BYTES, number, true);
    view.setUint32(i * INDEX_ENTRY_BYTES + 4, interner.intern(words, i * PAGE_WORDS), true);
  });
  return index;
}

/** The contents that an interner without released pages holds, in the order of their ids. */
function contentsOf(interner: PageInterner): Uint8Array {
  const contents = new Uint8Array(interner.uniquePages() * PAGE_SIZE);
  for (let i = 0; i < interner.uniquePages(); i++) {
    pageAt(contents, i).set(interner.bytes(i + 1));
  }
  return contents;
}

/** The pages that an index lists, of a thing with `bytes` bytes. */
function decodeIndex(index: Uint8Array, contents: Uint8Array, bytes: number): SparsePages {
  const view = new DataView(index.buffer, index.byteOffset, index.length);
  const numbers = new Uint32Array(index.length / INDEX_ENTRY_BYTES);
  const data = allocate(numbers.length * PAGE_SIZE);
  for (let i = 0; i < numbers.length; i++) {
    numbers[i] = view.getUint32(i * INDEX_ENTRY_BYTES, true);
    const content = view.getUint32(i * INDEX_ENTRY_BYTES + 4, true);
    if (content === ZERO_PAGE) continue;
    const page = pageAt(contents, content - 1);
    if (page.length === 0) {
      throw damaged(`page content ${content} is listed and is not there`);
    }
    pageAt(data, i).set(page);
  }
  return { pageCount: bytes / PAGE_SIZE, numbers, data };
}
