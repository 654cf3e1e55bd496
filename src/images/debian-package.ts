/*
 * A Debian package as dpkg sees it: its files, and what it says of itself.
 *
 * References: deb(5); deb-control(5); deb-conffiles(5); the merged /usr of Debian, file-hierarchy(7).
 */
import { type FileTree, textOf, type TreeFile } from "./file-tree.js";
import { tarMember } from "./tar.js";

/** A package that was unpacked, as dpkg takes note of it. */
export interface DebianPackage {
  /** Its fields, as they stand in the package. */
  readonly control: string;
  /** Scripts and lists that dpkg keeps of it, by name: `postinst`, `md5sums`. */
  readonly members: FileTree;
  /** All of its files and folders, whether they are taken or not, in the order of the package. */
  readonly paths: readonly string[];
  /** The files to be unpacked. */
  readonly files: FileTree;
}

/**
 * Unpacks a package.
 *
 * @param isTaken asked for each file by its path, without a slash before it
 * @throws {DebError} if the package is damaged
 */
export async function unpackPackage(
  deb: Uint8Array,
  isTaken: (path: string) => boolean,
  signal?: AbortSignal,
): Promise<DebianPackage> {
  const members = new Map(await tarMember(deb, "control.tar", signal));
  const control = textOf(members, "control");
  members.delete("control");
  const data = await tarMember(deb, "data.tar", signal);
  const files = new Map([...data].filter(([path]) => isTaken(path)));
  return { control, members, paths: [...data.keys()], files };
}

/** The value of a field that has one line; empty if there is none. */
export function controlField(control: string, name: string): string {
  return new RegExp(`^${name}: *(.*)$`, "m").exec(control)?.[1]?.trim() ?? "";
}

const merged = ["bin", "lib", "sbin"];

/** The files where a system with a merged `/usr` has them: `/bin` is a link to `usr/bin`. */
export function mergedUsr(tree: FileTree): FileTree {
  const result = new Map<string, TreeFile>();
  for (const [path, file] of tree) {
    if (merged.includes(path)) continue;
    const [top = ""] = path.split("/", 1);
    result.set(merged.includes(top) ? `usr/${path}` : path, file);
  }
  for (const name of merged) result.set(name, { kind: "symlink", target: `usr/${name}` });
  return result;
}
