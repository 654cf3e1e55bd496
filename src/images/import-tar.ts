/*
 * Tar archives as the workshop's tar takes them: busybox knows GNU's long names, and skips pax headers.
 *
 * References: POSIX pax, "ustar Interchange Format" and "pax Extended Header"; tar(5) of libarchive for GNU's
 * types L, K and S, numbers in base 256, and GNU.sparse.
 */
import { ImportError } from "./import-error.js";

const BLOCK = 512;
/** Where a header has its fields, and how long they are. */
const FIELD = {
  name: [0, 100],
  mode: [100, 8],
  uid: [108, 8],
  gid: [116, 8],
  size: [124, 12],
  time: [136, 12],
  checksum: [148, 8],
  type: [156, 1],
  linkName: [157, 100],
  magic: [257, 8],
} as const;
type Field = keyof typeof FIELD;

/** What a pax header says of the entry behind it: values by their keys. */
type PaxRecords = ReadonlyMap<string, Uint8Array>;

/** An archive without pax headers. */
export interface PlainTar {
  /** Parts of it, one after the other. */
  readonly pieces: readonly Uint8Array[];
  /** How many files had extended attributes, which are not in it. */
  readonly withoutAttributes: number;
}

/**
 * Checks a tar archive from its beginning to its end, and writes what pax headers say in GNU's way.
 *
 * @param name what messages call it
 * @throws {ImportError} if it is cut off or damaged, or has sparse files
 */
export function plainTar(name: string, archive: Uint8Array): PlainTar {
  const pieces: Uint8Array[] = [];
  let withoutAttributes = 0;
  let pax: PaxRecords = new Map();
  for (let at = 0; ;) {
    const header = archive.slice(at, at + BLOCK);
    if (header.length < BLOCK) throw cutOff(name);
    if (header.every((byte) => byte === 0)) break;
    if (numberIn(header, "checksum") !== checksumOf(header)) {
      throw new ImportError(
        `${name} is damaged: there is no header of a file at byte ${at}. Pack the system once more.`,
      );
    }
    const type = textIn(header, "type");
    // A hard link has no content, whatever its header says.
    const size = type === "1" ? 0 : (sizeIn(pax) ?? numberIn(header, "size"));
    if (!(Number.isInteger(size) && size >= 0)) {
      throw new ImportError(
        `${name} is damaged: the file at byte ${at} has no size that makes sense. Pack the system once more.`,
      );
    }
    const end = at + BLOCK + Math.ceil(size / BLOCK) * BLOCK;
    if (end > archive.length) throw cutOff(name);
    const content = archive.subarray(at + BLOCK, end);
    at = end;
    if (type === "x") pax = paxRecords(name, content.subarray(0, size));
    if (type === "x" || type === "g") continue;
    const keys = [...pax.keys()];
    if (type === "S" || keys.some((key) => key.startsWith("GNU.sparse."))) {
      throw new ImportError(`${name} has sparse files: pack the system without "--sparse".`);
    }
    if (keys.some((key) => key.startsWith("SCHILY.xattr."))) withoutAttributes++;
    pieces.push(...longName("L", pax.get("path")), ...longName("K", pax.get("linkpath")));
    pieces.push(headerWith(header, pax, size), content);
    // Behind GNU's own long name comes the entry that it is of.
    if (type !== "L" && type !== "K") pax = new Map();
  }
  pieces.push(new Uint8Array(2 * BLOCK));
  return { pieces, withoutAttributes };
}

function cutOff(name: string): ImportError {
  return new ImportError(
    `${name} is cut off: the archive does not come to its end. Pack the system once more, or copy the file ` +
      "once more.",
  );
}

function sizeIn(pax: PaxRecords): number | null {
  const size = pax.get("size");
  return size === undefined ? null : Number(latin1(size));
}

/** Records of the form "length key=value", each with a newline at its end. */
function paxRecords(name: string, bytes: Uint8Array): PaxRecords {
  const records = new Map<string, Uint8Array>();
  for (let at = 0; at < bytes.length;) {
    const space = bytes.indexOf(0x20, at);
    const length = Number(latin1(bytes.subarray(at, Math.max(space, at))));
    const equals = bytes.indexOf(0x3d, space);
    const end = at + length;
    if (!(Number.isInteger(length) && space < equals && equals < end && end <= bytes.length)) {
      throw new ImportError(`${name} is damaged: it has a pax header that makes no sense.`);
    }
    records.set(latin1(bytes.subarray(space + 1, equals)), bytes.subarray(equals + 1, end - 1));
    at = end;
  }
  return records;
}

/** An entry of GNU's that gives the next one a name of any length; none for no name. */
function longName(type: "K" | "L", name: Uint8Array | undefined): Uint8Array[] {
  if (name === undefined) return [];
  const header = new Uint8Array(BLOCK);
  put(header, "name", "././@LongLink");
  for (const field of ["mode", "uid", "gid", "time"] as const) putNumber(header, field, 0);
  putNumber(header, "size", name.length + 1);
  put(header, "type", type);
  put(header, "magic", "ustar  ");
  putChecksum(header);
  const content = new Uint8Array(Math.ceil((name.length + 1) / BLOCK) * BLOCK);
  content.set(name);
  return [header, content];
}

function headerWith(header: Uint8Array, pax: PaxRecords, size: number): Uint8Array {
  putNumber(header, "size", size);
  for (const field of ["uid", "gid"] as const) {
    const id = pax.get(field);
    if (id !== undefined) putNumber(header, field, Number(latin1(id)));
  }
  putChecksum(header);
  return header;
}

function textIn(header: Uint8Array, field: Field): string {
  const [at, length] = FIELD[field];
  return latin1(header.subarray(at, at + length));
}

/** A number in octal digits, or in base 256 if its highest bit is set. */
function numberIn(header: Uint8Array, field: Field): number {
  const [at, length] = FIELD[field];
  const bytes = header.subarray(at, at + length);
  if (((bytes[0] ?? 0) & 0x80) === 0) {
    return parseInt(latin1(bytes).replaceAll("\0", " ").trim() || "0", 8);
  }
  return bytes.subarray(1).reduce((number, byte) => number * 256 + byte, (bytes[0] ?? 0) & 0x7f);
}

function put(header: Uint8Array, field: Field, text: string): void {
  const [at, length] = FIELD[field];
  header.fill(0, at, at + length);
  header.set(Buffer.from(text, "latin1").subarray(0, length), at);
}

function putNumber(header: Uint8Array, field: Field, number: number): void {
  const [at, length] = FIELD[field];
  const digits = number.toString(8).padStart(length - 1, "0");
  if (digits.length < length) {
    put(header, field, `${digits}\0`);
    return;
  }
  for (let index = length - 1, left = number; index >= 0; index--) {
    header[at + index] = left % 256;
    left = Math.floor(left / 256);
  }
  header[at] = 0x80;
}

function putChecksum(header: Uint8Array): void {
  put(header, "checksum", `${checksumOf(header).toString(8).padStart(6, "0")}\0 `);
}

/** The sum of a header's bytes, with blanks for the checksum itself. */
function checksumOf(header: Uint8Array): number {
  const [at, length] = FIELD.checksum;
  const isChecksum = (index: number): boolean => index >= at && index < at + length;
  return header.reduce((sum, byte, index) => sum + (isChecksum(index) ? 0x20 : byte), 0);
}

function latin1(bytes: Uint8Array): string {
  return new TextDecoder("latin1").decode(bytes);
}
