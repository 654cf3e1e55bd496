import { deflateSync } from "fflate";
import { damaged, SnapshotError } from "./snapshot.js";

/** Raw DEFLATE (RFC 1951). The same bytes always give the same result, on every platform. */
export function deflate(raw: Uint8Array): Uint8Array<ArrayBuffer> {
  return deflateSync(raw, { level: 1 });
}

/**
 * Undoes {@link deflate}, by the platform's own decompressor: it takes half the time of one in
 * JavaScript, and what it gives does not depend on the platform. Work and memory are bounded by
 * `rawBytes`, whatever the input.
 *
 * @throws {SnapshotError} unless `stored` inflates to exactly `rawBytes`
 */
export async function inflate(
  stored: Uint8Array<ArrayBuffer>,
  rawBytes: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const raw = allocate(rawBytes);
  const decompressor = new DecompressionStream("deflate-raw");
  const reader = new Blob([stored]).stream().pipeThrough(decompressor).getReader();
  let at = 0;
  for (;;) {
    const { done, value } = await reader.read().catch((cause: unknown) => {
      throw damaged("its DEFLATE data are wrong", cause);
    });
    if (done) break;
    if (value.length > rawBytes - at) {
      await reader.cancel();
      throw damaged(`more than the ${rawBytes} bytes come out that it declares`);
    }
    raw.set(value, at);
    at += value.length;
  }
  if (at < rawBytes) throw damaged(`${at} bytes come out of the ${rawBytes} that it declares`);
  return raw;
}

/**
 * Memory for what a file declares.
 *
 * @throws {SnapshotError} if there is not that much
 */
export function allocate(bytes: number): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(bytes);
  } catch (cause) {
    throw new SnapshotError(
      `there is no memory for the ${bytes} bytes of the snapshot: give the process more`,
      { cause },
    );
  }
}
