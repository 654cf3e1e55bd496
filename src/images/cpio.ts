/*
 * Writes cpio archives, the form in which Linux takes an initramfs.
 *
 * References: Linux, Documentation/driver-api/early-userspace/buffer-format.rst ("newc"); cpio(5) of
 * the BSDs, "New ASCII Format"; inode(7) for the file type bits.
 */
import { type FileTree, inArchiveOrder, type Owner, type TreeFile } from "./file-tree.js";

/** File type bits of a mode. */
const typeBits = { directory: 0o040000, file: 0o100000, symlink: 0o120000 };

/**
 * Packs a tree as a newc archive. The same tree gives the same bytes: times are zero, and the order is
 * that of the paths.
 */
export function cpioArchive(tree: FileTree): Uint8Array {
  const parts: Uint8Array[] = [];
  let inode = 0;
  const root: Owner = { user: 0, group: 0 };
  const add = (path: string, mode: number, links: number, content: Uint8Array, owner = root) => {
    const name = new TextEncoder().encode(`${path}\0`);
    const fields = [
      ++inode,
      mode,
      owner.user,
      owner.group,
      links,
      0, // time of the last change
      content.length,
      ...[0, 0], // device that holds the file
      ...[0, 0], // device that a device file stands for
      name.length,
      0, // checksum, not used by this variant
    ];
    const digits = fields.map((field) => field.toString(16).padStart(8, "0"));
    parts.push(padded(new TextEncoder().encode(`070701${digits.join("")}`), name), padded(content));
  };
  for (const [path, file] of inArchiveOrder(tree)) {
    const content = contentOf(file);
    if (content.length > 0xffff_ffff) throw new RangeError(`${path} is too large for cpio`);
    const links = file.kind === "directory" ? 2 : 1;
    add(path, typeBits[file.kind] | modeOf(file), links, content, file.owner);
  }
  add("TRAILER!!!", 0, 1, new Uint8Array());
  return concat(parts);
}

function modeOf(file: TreeFile): number {
  return file.kind === "symlink" ? 0o777 : file.mode & 0o7777;
}

function contentOf(file: TreeFile): Uint8Array {
  if (file.kind === "file") return file.content;
  return new TextEncoder().encode(file.kind === "symlink" ? file.target : "");
}

/** Parts one after the other, filled up with zeros to a multiple of four bytes. */
function padded(...parts: Uint8Array[]): Uint8Array {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  return concat([...parts, new Uint8Array(-length & 3)]);
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let position = 0;
  for (const part of parts) {
    whole.set(part, position);
    position += part.length;
  }
  return whole;
}
