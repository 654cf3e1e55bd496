import { deflateSync, inflateSync } from "fflate";
import { damaged, SnapshotError } from "./snapshot.js";

/** Bytes that are compressed at a time. It bounds the work that one chunk of a hostile file can cause. */
export const CHUNK_BYTES = 64 * 1024;

const LENGTH_BYTES = 4;

/**
 * Compresses bytes chunk by chunk. Each chunk is a 32-bit little-endian length and as many bytes: raw
 * DEFLATE (RFC 1951), or the bytes as they are where DEFLATE would not make them shorter. The same
 * bytes always give the same result.
 */
export function packChunks(raw: Uint8Array): Uint8Array {
  const parts: Uint8Array[] = [];
  for (let at = 0; at < raw.length; at += CHUNK_BYTES) {
    const chunk = raw.subarray(at, at + CHUNK_BYTES);
    const deflated = deflateSync(chunk, { level: 1 });
    const stored = deflated.length < chunk.length ? deflated : chunk;
    const length = new Uint8Array(LENGTH_BYTES);
    new DataView(length.buffer).setUint32(0, stored.length, true);
    parts.push(length, stored);
  }
  return concat(parts);
}

/**
 * Unpacks what {@link packChunks} gave. Work and memory are bounded by `rawBytes`, whatever the input.
 *
 * @throws {SnapshotError} unless `stored` unpacks to exactly `rawBytes`
 */
export function unpackChunks(stored: Uint8Array, rawBytes: number): Uint8Array {
  // One byte more than wanted: fflate does not write beyond the room it has and does not say that it
  // wanted to, so a chunk that is too long shows itself by filling that byte.
  const room = allocate(rawBytes + 1);
  const view = new DataView(stored.buffer, stored.byteOffset, stored.byteLength);
  let from = 0;
  for (let at = 0; at < rawBytes; at += CHUNK_BYTES) {
    const wanted = Math.min(CHUNK_BYTES, rawBytes - at);
    if (stored.length - from < LENGTH_BYTES) throw damaged("a chunk is missing");
    const length = view.getUint32(from, true);
    from += LENGTH_BYTES;
    if (length > wanted || length > stored.length - from) {
      throw damaged(`a chunk of ${wanted} bytes claims to be stored in ${length}`);
    }
    const chunk = stored.subarray(from, from + length);
    if (length === wanted) room.set(chunk, at);
    else inflate(chunk, room.subarray(at, at + wanted + 1));
    from += length;
  }
  if (from !== stored.length) {
    throw damaged(`${stored.length - from} bytes follow the last chunk`);
  }
  return room.subarray(0, rawBytes);
}

/** Inflates one chunk into `room`, which is one byte longer than the chunk is to be. */
function inflate(chunk: Uint8Array, room: Uint8Array): void {
  const wanted = room.length - 1;
  let got: number;
  try {
    got = inflateSync(chunk, { out: room }).length;
  } catch (cause) {
    throw damaged("a chunk is not DEFLATE data", cause);
  }
  if (got !== wanted) throw damaged(`a chunk of ${wanted} bytes unpacks to another length`);
}

/**
 * Memory for what a file declares.
 *
 * @throws {SnapshotError} if there is not that much
 */
export function allocate(bytes: number): Uint8Array {
  try {
    return new Uint8Array(bytes);
  } catch (cause) {
    throw new SnapshotError(
      `there is no memory for the ${bytes} bytes of the snapshot: use a process with more of it`,
      { cause },
    );
  }
}

/** The parts one after another, copied. */
export function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
