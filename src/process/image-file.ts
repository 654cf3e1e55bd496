/**
 * Image of a tree of processes as a file.
 *
 * | byte | content                                                                         |
 * | ---- | ------------------------------------------------------------------------------- |
 * | 0    | magic: 89 53 52 50 49 0d 0a 1a (0x89, "SRPI", CR, LF, end of file)              |
 * | 8    | u16 version of the format, u16 zero, u32 zero                                   |
 * | 16   | SHA-256 of the whole file but for these 32 bytes                                |
 * | 48   | u32 length of the structure, u32 its length in the file                         |
 * | 56   | u32 length of the contents, u32 their length in the file                        |
 * | 64   | structure, contents: each a raw DEFLATE stream; nothing follows                 |
 *
 * Numbers are little endian. The structure is JSON of what image.ts defines, in UTF-8; what JSON has not
 * is an object of one field: `{"$bytes": [offset, length]}` and `{"$addresses": [offset, length]}` are
 * bytes and numbers of 32 bits in the contents, `{"$integer": "123"}` an integer of any size. The same
 * image always gives the same bytes.
 *
 * References:
 * - [PNG] https://www.w3.org/TR/png-3/#5PNG-file-signature, for the magic
 * - [DEFLATE] https://www.rfc-editor.org/rfc/rfc1951
 */
import { z } from "zod";
import { concat, sha256, unshared } from "../storage/bytes.js";
import { deflate, inflate } from "../storage/compression.js";
import { type TreeImage, treeImageSchema } from "./image.js";

/** A file is no image of processes that this program can read. The message says why. */
export class ImageFileError extends Error {
  override readonly name = "ImageFileError";
}

const MAGIC = [0x89, 0x53, 0x52, 0x50, 0x49, 0x0d, 0x0a, 0x1a];
const VERSION = 1;
const CHECKSUM_AT = 16;
const LENGTHS_AT = 48;
const SECTIONS_AT = 64;
/** DEFLATE makes nothing more than this many times smaller. */
const MOST_COMPRESSION = 1032;

/**
 * The image as a file.
 *
 * @throws {ImageFileError} if the image is not as image.ts defines it
 */
export async function encodeImage(image: TreeImage): Promise<Uint8Array> {
  const contents: Contents = { parts: [], length: 0 };
  // Parsing puts the fields into the order of the schema.
  const structure = JSON.stringify(flatten(parse(image), contents));
  const sections = [new TextEncoder().encode(structure), concat(contents.parts)].map((raw) => {
    return { rawBytes: raw.length, stored: deflate(raw) };
  });
  const head = new Uint8Array(SECTIONS_AT);
  const view = new DataView(head.buffer);
  head.set(MAGIC);
  view.setUint16(8, VERSION, true);
  for (const [index, { rawBytes, stored }] of sections.entries()) {
    view.setUint32(LENGTHS_AT + 8 * index, rawBytes, true);
    view.setUint32(LENGTHS_AT + 8 * index + 4, stored.length, true);
  }
  const file = concat([head, ...sections.map(({ stored }) => stored)]);
  file.set(await checksumOf(file), CHECKSUM_AT);
  return file;
}

/**
 * The image in a file. Nothing of the result shares memory with `file`.
 *
 * @throws {ImageFileError} if the file is no image, is of another version, or any byte of it is damaged,
 *   missing or too many
 */
export async function decodeImage(file: Uint8Array): Promise<TreeImage> {
  const own = unshared(file);
  if (MAGIC.some((byte, index) => own[index] !== byte)) {
    throw new ImageFileError("this is no image of processes: it does not begin like one");
  }
  if (own.length < SECTIONS_AT) throw damaged(`only ${own.length} bytes are there`);
  const view = new DataView(own.buffer, own.byteOffset, own.length);
  const version = view.getUint16(8, true);
  if (version !== VERSION) {
    throw new ImageFileError(
      `the image of processes has format ${version}, and this program reads ${VERSION}: capture it anew`,
    );
  }
  const sections = [0, 1].map((index) => ({
    rawBytes: view.getUint32(LENGTHS_AT + 8 * index, true),
    storedBytes: view.getUint32(LENGTHS_AT + 8 * index + 4, true),
  }));
  const wanted = sections.reduce((sum, { storedBytes }) => sum + storedBytes, SECTIONS_AT);
  if (own.length !== wanted) throw damaged(`${own.length} bytes are there of ${wanted}`);
  const checksum = await checksumOf(own);
  if (checksum.some((byte, index) => own[CHECKSUM_AT + index] !== byte)) {
    throw damaged("its SHA-256 differs");
  }
  const raw: Uint8Array[] = [];
  let at = SECTIONS_AT;
  for (const { rawBytes, storedBytes } of sections) {
    if (rawBytes > storedBytes * MOST_COMPRESSION) throw damaged(`it claims ${rawBytes} bytes`);
    const stored = own.subarray(at, at + storedBytes);
    raw.push(
      await inflate(stored, rawBytes).catch((cause: unknown) => {
        throw damaged("its DEFLATE data are wrong", cause);
      }),
    );
    at += storedBytes;
  }
  const [structure = new Uint8Array(), contents = new Uint8Array()] = raw;
  return parse(readStructure(structure, contents));
}

function readStructure(structure: Uint8Array, contents: Uint8Array): unknown {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(structure);
    return unflatten(JSON.parse(text), { contents, left: contents.length });
  } catch (cause) {
    if (cause instanceof ImageFileError) throw cause;
    throw damaged("its structure is not JSON", cause);
  }
}

function parse(value: unknown): TreeImage {
  const parsed = treeImageSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new ImageFileError(
    `the image of processes is not valid:\n${z.prettifyError(parsed.error)}`,
    { cause: parsed.error },
  );
}

/** What grows while an image is written. */
interface Contents {
  readonly parts: Uint8Array[];
  /** Of all parts, in bytes. */
  length: number;
}

/** A value as JSON can have it; bytes are added to the contents. */
function flatten(value: unknown, contents: Contents): unknown {
  if (typeof value === "bigint") return { $integer: String(value) };
  if (value instanceof Uint8Array) return { $bytes: store(value, contents) };
  if (value instanceof Uint32Array) {
    const stored = new DataView(new ArrayBuffer(value.byteLength));
    for (const [index, word] of value.entries()) stored.setUint32(4 * index, word, true);
    return { $addresses: store(new Uint8Array(stored.buffer), contents) };
  }
  if (Array.isArray(value)) return value.map((each) => flatten(each, contents));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [name, flatten(each, contents)]),
  );
}

/** Where bytes lie in the contents that they are added to. */
function store(bytes: Uint8Array, contents: Contents): [number, number] {
  const offset = contents.length;
  contents.parts.push(bytes);
  contents.length += bytes.length;
  return [offset, bytes.length];
}

const reference = z.tuple([z.int().min(0), z.int().min(0)]);
const replacement = z.union([
  z.strictObject({ $integer: z.string().regex(/^-?\d{1,40}$/) }),
  z.strictObject({ $bytes: reference }),
  z.strictObject({ $addresses: reference }),
]);

/** What a file is read from. */
interface Source {
  readonly contents: Uint8Array;
  /** Bytes of it that have not been read: each is written once, so none is read twice. */
  left: number;
}

/** Undoes {@link flatten}. */
function unflatten(value: unknown, source: Source): unknown {
  if (Array.isArray(value)) return value.map((each) => unflatten(each, source));
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value);
  if (entries[0]?.[0].startsWith("$") !== true) {
    return Object.fromEntries(entries.map(([name, each]) => [name, unflatten(each, source)]));
  }
  const found = replacement.safeParse(value);
  if (!found.success) throw damaged("its structure has an unknown kind of value");
  if ("$integer" in found.data) return BigInt(found.data.$integer);
  if ("$bytes" in found.data) return load(found.data.$bytes, source);
  const bytes = load(found.data.$addresses, source);
  if (bytes.length % 4 !== 0) throw damaged("its structure has a part of a number");
  const view = new DataView(bytes.buffer);
  return Uint32Array.from({ length: bytes.length / 4 }, (_, index) =>
    view.getUint32(4 * index, true),
  );
}

function load([offset, length]: [number, number], source: Source): Uint8Array {
  const { contents } = source;
  if (offset + length > contents.length) {
    throw damaged(`${length} bytes at ${offset} of its contents are not there`);
  }
  source.left -= length;
  if (source.left < 0) throw damaged("its structure has more bytes than its contents");
  return contents.slice(offset, offset + length);
}

/** SHA-256 of all but the checksum itself. */
async function checksumOf(file: Uint8Array): Promise<Uint8Array> {
  return sha256(concat([file.subarray(0, CHECKSUM_AT), file.subarray(LENGTHS_AT)]));
}

function damaged(what: string, cause?: unknown): ImageFileError {
  return new ImageFileError(`the image of processes is damaged: ${what}; capture it anew`, {
    cause,
  });
}
