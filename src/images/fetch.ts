import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { cacheError } from "../node/cache.js";
import type { Answer, FetchOptions } from "./http.js";
import { FetchError, otherMirror, request, usualPatience } from "./http.js";

/** A file whose content is known before it is fetched. */
export interface KnownFile {
  readonly url: string;
  readonly bytes: number;
  /** In hexadecimal. */
  readonly sha256: string;
}

/**
 * Fetches a file whose content is known. It appears at `path` as a whole, after its size and its hash
 * were checked. What an interrupted run has already got is not fetched again.
 *
 * @throws {FetchError} if the mirror cannot be reached, lacks the file, or has another one
 * @throws {CacheError} if the file cannot be written
 */
export async function fetchFile(
  file: KnownFile,
  path: string,
  options: FetchOptions = {},
): Promise<void> {
  try {
    const partial = await claimPartial(path);
    // A piece that an older run left may be bad: only a download from the start has the last word.
    const resumed = (await stat(partial)).size > 0;
    await withPatience(options, (brought) => complete(partial, file, brought, options));
    if ((await sha256Of(partial)) !== file.sha256) {
      await rm(partial);
      if (resumed) {
        await fetchFile(file, path, options);
        return;
      }
      throw new FetchError(
        "hash",
        `${file.url} has another SHA-256 than the one expected: something on the way changes files, ` +
          `or the mirror is broken; ${otherMirror}`,
      );
    }
    await rename(partial, path);
  } catch (error) {
    if (isSystemError(error)) throw cacheError(`cannot write ${path}`, error);
    throw error;
  }
}

/**
 * Fetches a small file of unknown content into memory.
 *
 * @param limit bytes that it may have at most
 * @throws {FetchError} if the mirror cannot be reached or lacks the file, or if it is too large
 */
export async function fetchSmall(
  url: string,
  limit: number,
  options: FetchOptions = {},
): Promise<Uint8Array> {
  return await withPatience(options, async () => {
    const pieces: Uint8Array[] = [];
    let received = 0;
    for await (const piece of (await request(url, 0, options)).pieces) {
      received += piece.length;
      if (received > limit) throw new FetchError("size", `${url} has more than ${limit} bytes`);
      pieces.push(piece);
    }
    return Buffer.concat(pieces);
  });
}

/** Tries until a try succeeds, fails for good, or too many in a row have brought next to nothing. */
async function withPatience<T>(
  options: FetchOptions,
  attempt: (brought: (bytes: number) => void) => Promise<T>,
): Promise<T> {
  const { tries, backoffMs } = options.patience ?? usualPatience;
  for (let failures = 0; ;) {
    let total = 0;
    try {
      return await attempt((bytes) => (total += bytes));
    } catch (error) {
      options.signal?.throwIfAborted();
      const passing = error instanceof FetchError && /network|busy/.test(error.problem);
      failures = total >= 1 << 20 ? 1 : failures + 1;
      if (!passing || failures >= tries) throw error;
    }
    await sleep(backoffMs * 2 ** (failures - 1), undefined, { signal: options.signal });
  }
}

/** Fetches what the partial file lacks. */
async function complete(
  partial: string,
  file: KnownFile,
  brought: (bytes: number) => void,
  options: FetchOptions,
): Promise<void> {
  const handle = await open(partial, "r+");
  try {
    const there = (await handle.stat()).size;
    if (there === file.bytes) return;
    if (there > file.bytes) await handle.truncate(0);
    await receiveInto(handle, file, there > file.bytes ? 0 : there, brought, options);
  } finally {
    await handle.close();
  }
}

async function receiveInto(
  handle: FileHandle,
  file: KnownFile,
  there: number,
  brought: (bytes: number) => void,
  options: FetchOptions,
): Promise<void> {
  const answer = await request(file.url, there, options);
  try {
    await write(answer, handle, file, there, brought, options);
  } finally {
    await answer.cancel();
  }
}

async function write(
  answer: Answer,
  handle: FileHandle,
  file: KnownFile,
  there: number,
  brought: (bytes: number) => void,
  options: FetchOptions,
): Promise<void> {
  let position = answer.start;
  // The server knows no ranges, or the file has changed its size: from the start.
  if (position < there) await handle.truncate(0);
  const wrongSize = (bytes: number) =>
    new FetchError(
      "size",
      `${file.url} has ${bytes} bytes instead of ${file.bytes}; ${otherMirror}`,
    );
  const announced = answer.bytes === null ? file.bytes : position + answer.bytes;
  if (announced !== file.bytes) {
    await handle.truncate(0);
    throw wrongSize(announced);
  }
  for await (const piece of answer.pieces) {
    if (position + piece.length > file.bytes) {
      await handle.truncate(0);
      throw wrongSize(position + piece.length);
    }
    for (let done = 0; done < piece.length;) {
      done += (await handle.write(piece, done, piece.length - done, position + done)).bytesWritten;
    }
    position += piece.length;
    brought(piece.length);
    options.onProgress?.(position);
  }
  if (position < file.bytes) {
    throw new FetchError("network", `${file.url} ended after ${position} of ${file.bytes} bytes`);
  }
}

/**
 * The unfinished file that this process may write to. One that a dead process has left is taken over,
 * by a rename, so that no two processes ever write to the same one.
 */
async function claimPartial(path: string): Promise<string> {
  await mkdir(dirname(path), { recursive: true });
  const own = `${path}.${process.pid}.part`;
  for (const name of await readdir(dirname(path))) {
    const pid = /^(.*)\.(\d+)\.part$/.exec(name);
    if (pid?.[1] !== basename(path) || isAlive(Number(pid[2]))) continue;
    // It fails where another process was faster; then the next one is looked at.
    const taken = rename(join(dirname(path), name), own).then(
      () => true,
      () => false,
    );
    if (await taken) break;
  }
  await (await open(own, "a")).close();
  return own;
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return isSystemError(error) && error.code === "EPERM";
  }
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const piece of createReadStream(path)) hash.update(piece as Uint8Array);
  return hash.digest("hex");
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && "syscall" in error;
}
