import { mkdir, readdir, readFile, rm, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { writeAtomically } from "./write-file.js";

/**
 * The user's cache: files that cost time to get and can always be had again, shared by all clones of
 * the repository. A file is either there whole or not there: writers work on a temporary file in the
 * same folder and rename it, so a power cut, Ctrl-C or a second process never leaves a half file.
 */
export interface Cache {
  /** Absolute path of the folder. */
  readonly folder: string;
  /** Absolute path of a file; `name` is relative with `/` between its parts: `packages/x.deb`. */
  path(name: string): string;
  /** The content of a file, or null where there is none. */
  read(name: string): Promise<Uint8Array | null>;
  /**
   * Writes a file as a whole, replacing what was there.
   *
   * @param parts what the file is made of, one after the other
   * @throws {CacheError} if it cannot be written; nothing is left behind then
   */
  write(name: string, ...parts: Uint8Array[]): Promise<void>;
}

/** The cache folder cannot be read or written. */
export class CacheError extends Error {
  override readonly name = "CacheError";
}

/** Unfinished files older than this belong to nobody any more. */
const abandonedAfterMs = 24 * 3600 * 1000;

/** The folders that are made in the cache. */
const OWN_FOLDERS = ["archive", "guests", "imported", "layers", "packages", "snapshots"];

/** How the name of an unfinished file ends: a write under way, a download that can be resumed. */
const unfinished = /\.(tmp|part)$/;

/**
 * Where the cache lies: `$SHADOW_REBOOT_CACHE`, else `$XDG_CACHE_HOME/shadow-reboot`, else the
 * platform's own place.
 */
export function cacheFolder(
  env: Readonly<Record<string, string | undefined>> = process.env,
  platform: NodeJS.Platform = process.platform,
  home = homedir(),
): string {
  if (env.SHADOW_REBOOT_CACHE) return env.SHADOW_REBOOT_CACHE;
  // An empty variable counts as unset (XDG Base Directory Specification).
  if (env.XDG_CACHE_HOME) return join(env.XDG_CACHE_HOME, "shadow-reboot");
  if (platform === "darwin") return join(home, "Library", "Caches", "shadow-reboot");
  if (platform !== "win32") return join(home, ".cache", "shadow-reboot");
  return join(env.LOCALAPPDATA ?? join(home, "AppData", "Local"), "shadow-reboot");
}

/**
 * Opens the cache, makes its folder where there is none, and removes what interrupted runs left
 * unfinished more than a day ago.
 *
 * @throws {CacheError} if the folder cannot be made or read
 */
export async function openCache(folder: string = cacheFolder()): Promise<Cache> {
  await mkdir(folder, { recursive: true }).catch((cause: unknown) => {
    throw cacheError(`cannot make the cache folder ${folder}`, cause);
  });
  await removeAbandoned(folder);
  const path = (name: string) => join(folder, ...name.split("/"));
  return {
    folder,
    path,
    async read(name) {
      try {
        return await readFile(path(name));
      } catch (cause) {
        if (errorCode(cause) === "ENOENT") return null;
        throw cacheError(`cannot read ${path(name)}`, cause);
      }
    },
    async write(name, ...parts) {
      try {
        await writeAtomically(path(name), parts);
      } catch (cause) {
        throw cacheError(`cannot write ${path(name)}`, cause);
      }
    },
  };
}

/** Wraps what the file system said in an error that tells the way out. */
export function cacheError(what: string, cause: unknown): CacheError {
  const advice =
    errorCode(cause) === "ENOSPC"
      ? "the disk is full: free some space (the smallest guest needs about 500 MB)"
      : `${cause instanceof Error ? cause.message : String(cause)}: check the folder's permissions`;
  return new CacheError(`${what}: ${advice}, or set SHADOW_REBOOT_CACHE to another folder`, {
    cause,
  });
}

/** Removes what writers left unfinished: in the cache's own folders, as the user's files may lie beside them. */
async function removeAbandoned(folder: string): Promise<void> {
  const before = Date.now() - abandonedAfterMs;
  for (const own of OWN_FOLDERS) {
    const names = await readdir(join(folder, own), { recursive: true }).catch(() => []);
    for (const name of names) {
      if (!unfinished.test(name)) continue;
      const path = join(folder, own, name);
      // Another process may finish, or clean up, at the same time.
      const found = await stat(path).catch(() => null);
      if (found?.isFile() === true && found.mtimeMs < before) await rm(path, { force: true });
    }
  }
}

function errorCode(error: unknown): string | undefined {
  return error instanceof Error && "code" in error ? String(error.code) : undefined;
}
