import { existsSync, rmSync } from "node:fs";
import path from "node:path";
import { readRun, RunDirectoryError, type StoredRun } from "./run-directory.js";

/**
 * The run that is kept in a directory, or null if there is none. What cannot be read as a run is removed, so
 * that it can be made anew.
 *
 * @param folder the runs folder; nothing but what lies right in it is removed
 * @throws {RunDirectoryError} if what lies elsewhere cannot be read
 */
export function keptRun(directory: string, folder: string): StoredRun | null {
  if (!existsSync(directory)) return null;
  try {
    return readRun(directory);
  } catch (error) {
    const inside = path.dirname(path.resolve(directory)) === path.resolve(folder);
    if (!(error instanceof RunDirectoryError) || !inside) throw error;
    rmSync(directory, { recursive: true });
    return null;
  }
}
