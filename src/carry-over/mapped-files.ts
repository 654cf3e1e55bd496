/**
 * Files that programs can write to through memory, with nobody noticing.
 *
 * References:
 * - [proc_pid_maps(5)]
 */
import { SystemCallFailed } from "../guest/errno.js";
import { listNumbers, readFile } from "../guest/files.js";
import type { Program } from "../guest/gate.js";
import { type MapsLine, parseMaps } from "../guest/procfs.js";
import type { Stub } from "../guest/stub-session.js";
import { type Manifest, pathFromBytes } from "./entry.js";

/** What the kernel puts behind the path of a file or a directory whose name is gone. */
const DELETED = " (deleted)";

/**
 * Files that some process has mapped so that what it writes to memory is written to the file.
 *
 * @param noted the files that are known
 */
export function* mappedFiles(stub: Stub, noted: Manifest): Program<string[]> {
  const found = new Set<string>();
  for (const pid of yield* listNumbers(stub, "/proc")) {
    for (const { shared, write, path } of yield* mapsOf(stub, pid)) {
      // A file that has lost a name may have others, which are found by the one that it had.
      if (shared && write && path.startsWith("/"))
        found.add(pathOf(path, noted) ?? withoutMark(path));
    }
  }
  return [...found].sort();
}

/** What a process has mapped; nothing if it has ended. */
function* mapsOf(stub: Stub, pid: number): Program<MapsLine[]> {
  try {
    return parseMaps(pathFromBytes(yield* readFile(stub, `/proc/${pid}/maps`)));
  } catch (error) {
    if (error instanceof SystemCallFailed && error.is("ENOENT", "ESRCH")) return [];
    throw error;
  }
}

/**
 * The path in what the kernel writes for one; null for a name that is gone. A file may be called so as if it
 * were gone.
 */
export function pathOf(written: string, noted: Manifest): string | null {
  return !written.endsWith(DELETED) || noted.has(written) ? written : null;
}

function withoutMark(written: string): string {
  return written.slice(0, -DELETED.length);
}
