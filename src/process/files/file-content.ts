/**
 * The content of files that have no name, and so go along in the image.
 *
 * References:
 * - [lseek(2)] SEEK_DATA and SEEK_HOLE; [pread(2)], [ftruncate(2)]
 */
import { z } from "zod";
import { SystemCallFailed } from "../../guest/errno.js";
import { halves } from "../../guest/files.js";
import type { Program } from "../../guest/gate.js";
import { OUT_BYTES, type Stub } from "../../guest/stub-session.js";
import { bytes } from "../bytes-schema.js";
import { CannotCarry, type FoundFile, nameOf } from "./file-kind.js";

/** @see readContent */
export const contentSchema = z.strictObject({
  /** In bytes. */
  size: z.int().min(0),
  /** What is not zero: offset in bytes, and the bytes there. */
  pieces: z.array(z.strictObject({ at: z.int().min(0), data: bytes })),
});
/** Content of a file. */
export type Content = z.infer<typeof contentSchema>;

/** The most that is carried of one file, in bytes. */
export const MOST_CONTENT = 64 * 1024 * 1024;

const O_RDONLY_CLOEXEC = 0o2000000;
const SEEK_SET = 0;
const SEEK_DATA = 3;
const SEEK_HOLE = 4;

/**
 * Reads a file that is open in the stub, whatever it is open for.
 *
 * @throws {CannotCarry} if there is more in it than MOST_CONTENT
 */
export function* readContent(
  stub: Stub,
  file: Pick<FoundFile, "fd" | "size" | "link" | "number" | "pid">,
): Program<Content> {
  const fd = yield* stub.call("open", `/proc/self/fd/${file.fd}`, O_RDONLY_CLOEXEC);
  const pieces: Content["pieces"] = [];
  let total = 0;
  try {
    for (let at = 0; ;) {
      const start = yield* seek(stub, fd, at, SEEK_DATA);
      if (start === null) return { size: file.size, pieces };
      const end = (yield* seek(stub, fd, start, SEEK_HOLE)) ?? start;
      for (at = start; at < end;) {
        const length = Math.min(OUT_BYTES, end - at);
        const read = yield* stub.call("pread64", fd, stub.out, length, ...halves(at));
        if (read === 0) return { size: file.size, pieces };
        total += read;
        if (total > MOST_CONTENT) {
          const most = `${MOST_CONTENT / 1024 / 1024} MB`;
          throw new CannotCarry(`${nameOf(file)} has no name, and more in it than ${most}`);
        }
        pieces.push({ at, data: stub.results(read) });
        at += read;
      }
    }
  } finally {
    yield* stub.attempt("close", fd);
  }
}

/** Writes to an empty file, open for writing, what was read from another. */
export function* writeContent(stub: Stub, fd: number, { size, pieces }: Content): Program<void> {
  for (const { at, data } of pieces) {
    const written = yield* stub.call("pwrite64", fd, data, data.length, ...halves(at));
    if (written !== data.length)
      throw new CannotCarry("there is no room for a file without a name");
  }
  yield* stub.call("ftruncate64", fd, ...halves(size));
}

/** Sets where a file is read and written next, in bytes. */
export function* setPosition(stub: Stub, fd: number, position: number): Program<void> {
  if (position > 0) yield* seek(stub, fd, position, SEEK_SET);
}

/** Where one comes to, or null if there is nothing more; see [llseek(2)]. */
function* seek(stub: Stub, fd: number, to: number, from: number): Program<number | null> {
  const [low, high] = halves(to);
  try {
    yield* stub.call("_llseek", fd, high, low, stub.out, from);
  } catch (error) {
    if (error instanceof SystemCallFailed && error.is("ENXIO")) return null;
    throw error;
  }
  return Number(stub.view(8).getBigInt64(0, true));
}
