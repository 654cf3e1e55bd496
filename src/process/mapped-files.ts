/**
 * Files that processes have mapped and that have no name: memory that they share, deleted files. They
 * stand among the open files of an image.
 *
 * References:
 * - [proc(5)], `/proc/PID/map_files`; [mmap(2)] MAP_SHARED and MAP_ANONYMOUS
 */
import type { Program } from "../guest/gate.js";
import type { MapsLine } from "../guest/procfs.js";
import type { Stub } from "../guest/stub-session.js";
import { type FoundFile, identityOf } from "./files/file-kind.js";
import { fileStatus, nameBeside } from "./files/file-name.js";

/** Mappings of each process, by its process id. */
export type ProcessMaps = ReadonlyMap<number, readonly MapsLine[]>;

const O_RDWR = 2;
const DELETED = " (deleted)";
/** Segments of [shmget(2)], which have a key of their own. */
const SYSTEM_V = "/SYSV";
const NO_DESCRIPTOR = -1;

/** What a mapped file is known by, whatever its names are. */
export function mappedIdentity({ device, inode }: MapsLine): string {
  return `${device}:${inode}`;
}

/** Whether a mapping shows a file that cannot be opened by name. */
export function isNameless({ path }: MapsLine): boolean {
  return path.startsWith("/") && path.endsWith(DELETED) && !path.startsWith(SYSTEM_V);
}

/** The link in `/proc/PID/map_files` through which a mapping's file can be opened. */
export function mapLink(pid: number | "self", start: number, end: number): string {
  return `/proc/${pid}/map_files/${start.toString(16)}-${end.toString(16)}`;
}

/**
 * Finds the files without a name that stopped processes have mapped. Those that are not open are added
 * to the files that were found, and stay open in the stub.
 *
 * @returns index among the files, by `mappedIdentity`
 */
export function* findMappedFiles(
  stub: Stub,
  maps: ProcessMaps,
  found: FoundFile[],
): Program<ReadonlyMap<string, number>> {
  const indices = new Map<string, number>();
  for (const [pid, lines] of maps) {
    for (const line of lines) {
      const identity = mappedIdentity(line);
      if (!isNameless(line) || indices.has(identity)) continue;
      const fd = yield* stub.call("open", mapLink(pid, line.start, line.end), O_RDWR);
      const status = yield* fileStatus(stub, fd);
      const open = found.findIndex((file) => identityOf(file) === identityOf(status));
      if (open >= 0) {
        yield* stub.call("close", fd);
        indices.set(identity, open);
        continue;
      }
      const link = yield* nameBeside(stub, line.path.slice(0, -DELETED.length), status);
      const about = { fd, link: link ?? line.path, flags: O_RDWR, position: 0, info: new Map() };
      indices.set(identity, found.push({ ...about, ...status, pid, number: NO_DESCRIPTOR }) - 1);
    }
  }
  return indices;
}
