import { setImmediate as otherWork } from "node:timers/promises";
import xz from "xz-decompress";

/** Compressed data are damaged, or unpack to more than they may. */
export class XzError extends Error {
  override readonly name = "XzError";
}

/**
 * Unpacks xz-compressed data piece by piece.
 *
 * @param limit bytes that may come out: a small hostile file can unpack to a disk full of zeros
 * @throws {XzError} if the data are damaged or too many
 */
export async function* unxz(packed: Uint8Array, limit: number): AsyncGenerator<Uint8Array> {
  let unpacked = 0;
  const source = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(packed);
      controller.close();
    },
  });
  try {
    for await (const piece of new xz.XzReadableStream(source)) {
      unpacked += piece.length;
      if (unpacked > limit) throw new XzError(`the data unpack to more than ${limit} bytes`);
      if (piece.length > 0) yield piece;
      // A large package takes seconds: Ctrl-C must get through meanwhile.
      await otherWork();
    }
  } catch (cause) {
    if (cause instanceof XzError) throw cause;
    throw new XzError("the xz-compressed data are damaged", { cause });
  }
}
