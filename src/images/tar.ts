/*
 * Reads tar archives as a file system would hold them: with folders, owners and links as they stand.
 *
 * References: POSIX pax (ustar); deb(5) for the names of a package's members.
 */
import { pipeline } from "node:stream/promises";
import { extract, type Header } from "tar-stream";
import { arMember, DebError, MAX_UNPACKED_BYTES, safePath } from "./deb.js";
import type { FileTree, TreeFile } from "./file-tree.js";
import { unxz } from "./xz.js";

/**
 * Reads the tar archive in a member of a package.
 *
 * @param member its name without `.xz`: `control.tar` or `data.tar`
 * @throws {DebError} if the package is damaged
 */
export async function tarMember(
  deb: Uint8Array,
  member: string,
  signal?: AbortSignal,
): Promise<FileTree> {
  return await readTar(unxz(arMember(deb, `${member}.xz`), MAX_UNPACKED_BYTES), signal);
}

/**
 * Reads a tar archive, whose files keep the order in which they stand there. A hard link becomes a file
 * of its own. The target of a symbolic link is not looked at: it has a meaning only in the guest that
 * it is for, and the tree must not be unpacked anywhere else.
 *
 * @throws the reason of `signal` if it is aborted meanwhile
 * @throws {DebError} if the archive is damaged, or has what no package has
 */
export async function readTar(
  archive: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  signal?: AbortSignal,
): Promise<FileTree> {
  const tree = new Map<string, TreeFile>();
  const tar = extract();
  // Awaited below; a failure before that must not count as one that nobody handles.
  const fed = pipeline(archive, tar);
  fed.catch(() => undefined);
  try {
    for await (const entry of tar) {
      signal?.throwIfAborted();
      const path = safePath(entry.header.name);
      const pieces: Uint8Array[] = [];
      for await (const piece of entry) pieces.push(piece as Uint8Array); // an entry of tar-stream yields bytes only
      if (path !== "" && path !== ".") tree.set(path, treeFile(path, entry.header, pieces, tree));
    }
    await fed;
    return tree;
  } catch (cause) {
    if (cause instanceof DebError || signal?.aborted) throw cause;
    throw new DebError(`the archive is damaged: ${(cause as Error).message}`, { cause });
  } finally {
    tar.destroy();
  }
}

function treeFile(path: string, header: Header, pieces: Uint8Array[], tree: FileTree): TreeFile {
  const { type, linkname, uid: user, gid: group } = header;
  const owned = user === 0 && group === 0 ? {} : { owner: { user, group } };
  const mode = header.mode & 0o7777;
  if (type === "directory") return { kind: "directory", mode, ...owned };
  if (type === "file") return { kind: "file", mode, content: Buffer.concat(pieces), ...owned };
  if (type === "symlink" && linkname) return { kind: "symlink", target: linkname, ...owned };
  const original = type === "link" ? tree.get(safePath(linkname)) : undefined;
  if (original) return original;
  throw new DebError(`${path} is a ${type}, which is not taken`);
}
