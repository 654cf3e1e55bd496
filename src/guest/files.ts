import type { Program } from "./gate.js";
import { OUT_BYTES, type Stub } from "./stub-session.js";

const O_RDONLY = 0;
const O_CLOEXEC = 0o2000000;
/**
 * The guest is not trusted to have files that end. What is longest in `/proc`, the `smaps` of a process with as many
 * mappings as Linux allows, of files with short names, has half of it.
 */
const MOST_BYTES = 128 << 20;

/** A file of the guest is longer than anything that is read as a whole. */
export class FileTooLong extends Error {
  override readonly name = "FileTooLong";
}

/**
 * All that can be read from a file, as of `/proc`; its descriptor is closed again.
 *
 * @throws {FileTooLong} if it has more than MOST_BYTES
 */
export function* readFile(stub: Stub, path: string): Program<Uint8Array> {
  const fd = yield* stub.call("open", path, O_RDONLY | O_CLOEXEC);
  try {
    return yield* readToEnd(stub, fd, path);
  } finally {
    yield* stub.attempt("close", fd);
  }
}

function* readToEnd(stub: Stub, fd: number, path: string): Program<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for (let total = 0; ;) {
    const length = yield* stub.call("read", fd, stub.out, OUT_BYTES);
    if (length === 0) break;
    pieces.push(stub.results(length));
    total += length;
    if (total > MOST_BYTES) {
      throw new FileTooLong(`${path} has more than ${MOST_BYTES >> 20} MiB, and is not read`);
    }
  }
  return concat(pieces);
}

/** The text of a file, as of `/proc`. */
export function* readText(stub: Stub, path: string): Program<string> {
  return new TextDecoder().decode(yield* readFile(stub, path));
}

/** Where a symbolic link points. */
export function* readLink(stub: Stub, path: string): Program<string> {
  const length = yield* stub.call("readlink", path, stub.out, OUT_BYTES);
  return new TextDecoder().decode(stub.results(length));
}

/** Writes a whole file that is there, in one call, as `/proc` wants it. */
export function* writeFile(stub: Stub, path: string, content: string): Program<void> {
  const fd = yield* stub.call("open", path, 1 | O_CLOEXEC);
  try {
    yield* stub.call("write", fd, new TextEncoder().encode(content), content.length);
  } finally {
    yield* stub.attempt("close", fd);
  }
}

/** Names in a directory, but for `.` and `..`, in the directory's order; see [getdents(2)]. */
export function* listDirectory(stub: Stub, path: string): Program<string[]> {
  const fd = yield* stub.call("open", path, O_RDONLY | O_CLOEXEC | 0o200000);
  const names: string[] = [];
  try {
    for (;;) {
      const length = yield* stub.call("getdents64", fd, stub.out, OUT_BYTES);
      if (length === 0) return names.filter((name) => name !== "." && name !== "..");
      const entries = stub.results(length);
      const view = new DataView(entries.buffer);
      for (let at = 0; at < length; at += view.getUint16(at + 16, true)) {
        names.push(zeroEnded(entries.subarray(at + 19)));
      }
    }
  } finally {
    yield* stub.attempt("close", fd);
  }
}

/** The numbers among the names in a directory, ascending: processes, threads, descriptors. */
export function* listNumbers(stub: Stub, path: string): Program<number[]> {
  const names = yield* listDirectory(stub, path);
  return names
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .sort((a, b) => a - b);
}

/** The text before the first zero byte. */
export function zeroEnded(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
}

/** Joins pieces of bytes. */
export function concat(pieces: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(pieces.reduce((length, piece) => length + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

/** A number of 64 bits as two arguments of a call: its low and its high half. */
export function halves(value: number): readonly [number, number] {
  return [(value % 2 ** 32) | 0, Math.floor(value / 2 ** 32)];
}
