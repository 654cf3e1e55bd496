import { type Entry, FILE_TYPE } from "../../src/carry-over/entry.js";

/** A file; every call without an inode gives another one. */
export function file(changes: Partial<Entry> = {}): Entry {
  const inode = changes.inode ?? nextInode++;
  return {
    mode: FILE_TYPE.regular | 0o644,
    uid: 0,
    gid: 0,
    size: 0,
    links: 1,
    device: [0, 0],
    accessedNs: 1n,
    changedNs: 1n,
    statusNs: 1n,
    bornNs: 1n,
    attributes: [],
    target: null,
    ...changes,
    inode,
  };
}

let nextInode = 100;

/** A directory. */
export function directory(changes: Partial<Entry> = {}): Entry {
  return file({ mode: FILE_TYPE.directory | 0o755, ...changes });
}

/** The same file after something was done to it. */
export function touched(entry: Entry, changes: Partial<Entry> = {}): Entry {
  return { ...entry, statusNs: entry.statusNs + 1n, ...changes };
}
