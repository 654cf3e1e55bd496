/*
 * Reads Debian packages.
 *
 * References: deb(5); ar(5) of the BSDs, "common" format; deb-format of dpkg for the names of the
 * members; POSIX pax for tar.
 */
import { posix } from "node:path";
import { pipeline } from "node:stream/promises";
import { extract, type Header } from "tar-stream";
import type { FileTree, TreeFile } from "./file-tree.js";
import { unxz } from "./xz.js";

/** A file is not a Debian package, or one that cannot be trusted. */
export class DebError extends Error {
  override readonly name = "DebError";
}

/** More than any package here unpacks to; what unpacks to more is not one of them. */
export const MAX_UNPACKED_BYTES = 1 << 30;

const arMagic = "!<arch>\n";
const arHeaderBytes = 60;

/**
 * Unpacks the wanted files of a package.
 *
 * @param wanted asked for each path, without a slash at either end: `bin/busybox`
 * @returns the files by path; without folders, whose modes matter to nobody here
 * @throws the reason of `signal` if it is aborted meanwhile
 * @throws {DebError} if the package is damaged, or has a file that would lead out of its tree
 */
export async function unpackDeb(
  deb: Uint8Array,
  wanted: (path: string) => boolean,
  signal?: AbortSignal,
): Promise<FileTree> {
  const data = arMember(deb, "data.tar.xz");
  const tree = new Map<string, TreeFile>();
  const tar = extract();
  // Awaited below; a failure before that must not count as one that nobody handles.
  const fed = pipeline(unxz(data, MAX_UNPACKED_BYTES), tar);
  fed.catch(() => undefined);
  try {
    for await (const entry of tar) {
      signal?.throwIfAborted();
      const path = safePath(entry.header.name);
      if (entry.header.type === "directory" || !wanted(path)) entry.resume();
      else tree.set(path, treeFile(path, entry.header, await collect(entry), tree));
    }
    await fed;
    return tree;
  } catch (cause) {
    if (cause instanceof DebError || signal?.aborted) throw cause;
    throw new DebError(`the package is damaged: ${(cause as Error).message}`, { cause });
  } finally {
    tar.destroy();
  }
}

/**
 * Finds a member of an ar archive.
 *
 * @throws {DebError} if the archive is damaged or has no such member
 */
export function arMember(archive: Uint8Array, wanted: string): Uint8Array {
  const text = (start: number, length: number) =>
    new TextDecoder("latin1").decode(archive.subarray(start, start + length));
  if (text(0, arMagic.length) !== arMagic) throw new DebError("the file is not a Debian package");
  const names: string[] = [];
  for (let at = arMagic.length; at < archive.length;) {
    const name = text(at, 16).trimEnd().replace(/\/$/, "");
    const size = text(at + 48, 10).trimEnd();
    const start = at + arHeaderBytes;
    const end = start + Number(size);
    const intact = /^\d+$/.test(size) && text(at + 58, 2) === "`\n" && end <= archive.length;
    if (!intact) throw new DebError(`the package is damaged at byte ${at}`);
    if (name === wanted) return archive.subarray(start, end);
    names.push(name);
    at = end + (end & 1);
  }
  throw new DebError(`the package has no ${wanted}, only ${names.join(", ")}`);
}

function treeFile(path: string, header: Header, content: Uint8Array, tree: FileTree): TreeFile {
  const { type, linkname } = header;
  if (type === "file") return { kind: "file", mode: header.mode & 0o7777, content };
  if (type === "symlink") return { kind: "symlink", target: safeTarget(path, linkname) };
  const original = type === "link" ? tree.get(safePath(linkname)) : undefined;
  if (original) return original;
  throw new DebError(`${path} is a ${type}${linkname && ` to ${linkname}`}, which is not taken`);
}

/**
 * A path of an archive, without `./` before it and without a slash after it.
 *
 * @throws {DebError} if it would lead out of the archive's tree
 */
export function safePath(name: string): string {
  const path = name.replace(/^\.\//, "").replace(/\/$/, "");
  const unsafe = path.startsWith("/") || path.includes("\0") || path.split("/").includes("..");
  if (unsafe) throw new DebError(`the package has a file that leads out of it: ${name}`);
  return path;
}

/**
 * The target of a symbolic link, which must stay below the root of the package's own tree. An absolute one
 * means a path of that tree, and is made relative to the link.
 */
function safeTarget(path: string, linkname: string): string {
  const target = linkname.startsWith("/")
    ? posix.relative(posix.dirname(`/${path}`), linkname)
    : linkname;
  let depth = path.split("/").length - 1;
  for (const part of target.split("/")) {
    if (part === "..") depth--;
    else if (part !== "" && part !== ".") depth++;
    if (depth < 0) break;
  }
  if (target === "" || depth < 0) {
    throw new DebError(`the package has a link that leads out of it: ${path} to ${linkname}`);
  }
  return target;
}

async function collect(entry: AsyncIterable<unknown>): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for await (const piece of entry) pieces.push(piece as Uint8Array); // an entry of tar-stream yields bytes only
  return Buffer.concat(pieces);
}
