/**
 * What files contain, in bounded pieces; holes are left out.
 *
 * References:
 * - [lseek(2)] SEEK_DATA and SEEK_HOLE; [pread(2)]
 */
import { SystemCallFailed } from "../guest/errno.js";
import { halves } from "../guest/files.js";
import type { Program } from "../guest/gate.js";
import { OUT_BYTES, type Stub } from "../guest/stub-session.js";
import { isOf } from "./entry.js";
import { isMissing, lookAt, OPEN, type Tree, withFile, withTree } from "./tree.js";

/** A part of a file that is to be read. */
export interface Wanted {
  readonly path: string;
  /** Where it begins and ends, in bytes. */
  readonly from: number;
  readonly to: number;
}

/** A piece of what was wanted. */
export interface Piece {
  /** Which of the files wanted it is of, counted from zero. */
  readonly file: number;
  /** In bytes, from the beginning of the file. */
  readonly at: number;
  readonly data: Uint8Array;
}

/** Where to go on reading. */
export interface Cursor {
  readonly file: number;
  readonly at: number;
}

/** Some of what was wanted, and where the rest begins; null if there is none. */
export interface Reading {
  readonly pieces: readonly Piece[];
  readonly next: Cursor | null;
}

/** What one reading has at most, in bytes. */
export const READING_BYTES = 2 ** 20;

const SEEK_DATA = 3;
const SEEK_HOLE = 4;

/**
 * Reads files one after the other from where the cursor stands. One that is gone, or no regular file any
 * more, has no pieces.
 */
export function* readContents(
  stub: Stub,
  { files, cursor }: { readonly files: readonly Wanted[]; readonly cursor: Cursor },
): Program<Reading> {
  return yield* withTree(stub, function* (tree) {
    const pieces: Piece[] = [];
    let left = READING_BYTES;
    for (const [file, wanted] of files.entries()) {
      if (file < cursor.file) continue;
      const from = file === cursor.file ? Math.max(cursor.at, wanted.from) : wanted.from;
      for (const { at, data } of yield* readOne(stub, tree, { ...wanted, from }, left)) {
        pieces.push({ file, at, data });
        left -= data.length;
        if (left <= 0) return { pieces, next: { file, at: at + data.length } };
      }
    }
    return { pieces, next: null };
  });
}

function* readOne(
  stub: Stub,
  tree: Tree,
  { path, from, to }: Wanted,
  most: number,
): Program<Omit<Piece, "file">[]> {
  const { readOnly, noFollow, nonBlocking, noAccessTime } = OPEN;
  const open = readOnly | noFollow | nonBlocking | noAccessTime;
  const pieces: Omit<Piece, "file">[] = [];
  try {
    return yield* withFile(stub, tree, path, open, function* (fd) {
      const entry = yield* lookAt(stub, fd, "");
      if (entry === null || entry === "mounted" || !isOf("regular", entry)) return pieces;
      let left = most;
      for (let at = from; at < to && left > 0;) {
        const start = yield* seek(stub, fd, at, SEEK_DATA);
        if (start === null || start >= to) break;
        const end = Math.min(to, (yield* seek(stub, fd, start, SEEK_HOLE)) ?? start);
        for (at = start; at < end && left > 0;) {
          const length = Math.min(OUT_BYTES, end - at, left);
          const read = yield* stub.call("pread64", fd, stub.out, length, ...halves(at));
          if (read === 0) return pieces;
          pieces.push({ at, data: stub.results(read) });
          at += read;
          left -= read;
        }
        if (end <= start) break;
      }
      return pieces;
    });
  } catch (error) {
    if (isMissing(error) || (error instanceof SystemCallFailed && error.is("ELOOP", "ENXIO"))) {
      return pieces;
    }
    throw error;
  }
}

/** Where one comes to, or null if there is nothing more; see [llseek(2)]. */
function* seek(stub: Stub, fd: number, to: number, from: number): Program<number | null> {
  const [low, high] = halves(to);
  const result = yield* stub.attempt("_llseek", fd, high, low, stub.out, from);
  return result < 0 ? null : Number(stub.view(8).getBigInt64(0, true));
}
