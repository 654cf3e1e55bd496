import { z } from "zod";
import { machineConfigSchema } from "../machine/config.js";
import { concat, sha256 } from "./bytes.js";
import { damaged, SnapshotError } from "./snapshot.js";

const MAGIC = [0x89, 0x53, 0x52, 0x53, 0x4e, 0x0d, 0x0a, 0x1a];
const MAJOR = 1;
const MINOR = 0;
const CHECKSUM_START = 16;
const HEADER_START = 48;
const MAX_HEADER_BYTES = 64 * 1024;

const sha256Hex = z.string().regex(/^[0-9a-f]{64}$/);

const headerSchema = z.strictObject({
  /** What a person wrote about the snapshot; may be empty. */
  comment: z.string().max(1000),
  config: machineConfigSchema,
  emulator: z.strictObject({ version: z.string().max(100), wasmSha256: sha256Hex }),
  /** The machine's clock when it was taken, in ms of virtual time. */
  clock: z.number().nonnegative(),
  /** State of the machine's source of randomness. */
  randomState: z.uint32(),
  /** The sections in the order in which they follow the header. */
  sections: z.array(
    z.strictObject({
      name: z.string(),
      /** Bytes before compression. */
      rawBytes: z.int().nonnegative(),
      /** Bytes in the file. */
      storedBytes: z.int().nonnegative(),
      /** Of the bytes in the file. */
      sha256: sha256Hex,
    }),
  ),
});

/** The JSON header of a snapshot file. */
export type SnapshotHeader = z.infer<typeof headerSchema>;

/** A part of a snapshot file, as its header declares it. */
export type SnapshotSection = SnapshotHeader["sections"][number];

/**
 * The first bytes of a snapshot file: preamble and header.
 *
 * @throws {SnapshotError} if the header is not one that {@link decodeHeader} would take
 */
export async function encodeHeader(header: SnapshotHeader): Promise<Uint8Array> {
  // Parsing puts the fields into the order of the schema, whatever order the caller's objects have.
  const json = new TextEncoder().encode(JSON.stringify(parseHeader(header)));
  if (json.length > MAX_HEADER_BYTES) {
    throw new SnapshotError(`the header has ${json.length} bytes, at most ${MAX_HEADER_BYTES} fit`);
  }
  const bytes = new Uint8Array(HEADER_START + json.length);
  const view = new DataView(bytes.buffer);
  bytes.set(MAGIC);
  view.setUint16(8, MAJOR, true);
  view.setUint16(10, MINOR, true);
  view.setUint32(12, json.length, true);
  bytes.set(json, HEADER_START);
  bytes.set(await checksumOf(bytes), CHECKSUM_START);
  return bytes;
}

/**
 * The header of a snapshot file, and where it ends.
 *
 * @throws {SnapshotError} if the file is not a snapshot, is of a newer format, or its header is damaged
 */
export async function decodeHeader(
  file: Uint8Array,
): Promise<{ header: SnapshotHeader; end: number }> {
  if (MAGIC.some((byte, i) => file[i] !== byte)) {
    throw new SnapshotError("this is not a snapshot file: it does not begin like one");
  }
  checkLength(file, HEADER_START);
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const major = view.getUint16(8, true);
  const minor = view.getUint16(10, true);
  if (major !== MAJOR || minor > MINOR) {
    throw new SnapshotError(
      `the snapshot has format ${major}.${minor}, and this program reads ${MAJOR}.0 to ${MAJOR}.${MINOR}: use the program that saved it, or save a new snapshot`,
    );
  }
  const length = view.getUint32(12, true);
  if (length > MAX_HEADER_BYTES) {
    throw damaged(`the header claims ${length} bytes of ${MAX_HEADER_BYTES} allowed`);
  }
  const end = HEADER_START + length;
  checkLength(file, end);
  const checksum = await checksumOf(file.subarray(0, end));
  if (checksum.some((byte, i) => byte !== file[CHECKSUM_START + i])) {
    throw damaged("the SHA-256 of the header differs");
  }
  return { header: parseHeader(parseJson(file.subarray(HEADER_START, end))), end };
}

/** @throws {SnapshotError} if the file has less than `wanted` bytes */
export function checkLength(file: Uint8Array, wanted: number): void {
  if (file.length < wanted) throw damaged(`only ${file.length} of ${wanted} bytes are there`);
}

/** SHA-256 over preamble and header, except the checksum itself. */
async function checksumOf(start: Uint8Array): Promise<Uint8Array> {
  return sha256(concat([start.subarray(0, CHECKSUM_START), start.subarray(HEADER_START)]));
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw damaged("the header is not JSON", cause);
  }
}

function parseHeader(value: unknown): SnapshotHeader {
  const parsed = headerSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new SnapshotError(`the snapshot's header is not valid:\n${z.prettifyError(parsed.error)}`, {
    cause: parsed.error,
  });
}
