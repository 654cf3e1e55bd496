/**
 * What is noted of a file, to tell later whether it has changed.
 *
 * References:
 * - [inode(7)], [statx(2)], [xattr(7)]
 *
 * Names in a guest are bytes, so a path is a string in which each character is one byte. It is absolute;
 * the root is `/`.
 */

/** A file as the guest's kernel describes it. */
export interface Entry {
  /** Type and permissions, as of [inode(7)]. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** In bytes. */
  readonly size: number;
  /** Names that the file has. */
  readonly links: number;
  readonly inode: number;
  /** Major and minor number, of a device node. */
  readonly device: readonly [major: number, minor: number];
  /** Last access, last change of the content, last change of anything, and birth: ns since 1970. */
  readonly accessedNs: bigint;
  readonly changedNs: bigint;
  readonly statusNs: bigint;
  readonly bornNs: bigint;
  /** Extended attributes, ordered by name; null where nobody has looked yet. Of directories they are always known. */
  readonly attributes: readonly Attribute[] | null;
  /** Where a symbolic link points, in bytes as a path is; null for what is none, and where nobody has looked yet. */
  readonly target: string | null;
}

/** An extended attribute, such as an ACL or the capabilities of a file. */
export interface Attribute {
  readonly name: string;
  readonly value: Uint8Array;
}

/** All files of a tree by their paths; a directory stands before what is in it. */
export type Manifest = ReadonlyMap<string, Entry>;

const TYPE = 0o170000;

/** Type bits of a mode, as of [inode(7)]. */
export const FILE_TYPE = {
  fifo: 0o010000,
  characters: 0o020000,
  directory: 0o040000,
  blocks: 0o060000,
  regular: 0o100000,
  link: 0o120000,
  socket: 0o140000,
} as const;

/** The permission bits of a mode. */
export const PERMISSIONS = 0o7777;

/** A device's number as [makedev(3)] packs it for a system call. */
export function deviceNumber([major, minor]: Entry["device"]): number {
  return (minor & 0xff) | (major << 8) | ((minor & ~0xff) << 12);
}

/** Whether a file is of a type. */
export function isOf(type: keyof typeof FILE_TYPE, entry: Entry | undefined): boolean {
  return entry !== undefined && (entry.mode & TYPE) === FILE_TYPE[type];
}

/** Whether nothing has been done to a file between two looks at the same file system. */
export function isUntouched(before: Entry | undefined, now: Entry | undefined): boolean {
  if (before === undefined || now === undefined) return before === now;
  // What happens in a directory changes its times, and is seen by the names in it.
  if (isOf("directory", before) || isOf("directory", now)) return isAlike(before, now);
  return before.inode === now.inode && before.statusNs === now.statusNs;
}

/**
 * Whether two files are alike in all that can be told without reading them: what they contain, if they are
 * regular files, may differ still. Times do not count.
 */
export function isAlike(one: Entry, other: Entry): boolean {
  return (
    one.mode === other.mode &&
    one.uid === other.uid &&
    one.gid === other.gid &&
    one.target === other.target &&
    String(one.device) === String(other.device) &&
    (!isOf("regular", one) || one.size === other.size) &&
    attributesText(one) === attributesText(other)
  );
}

function attributesText({ attributes }: Entry): string {
  return (attributes ?? []).map(({ name, value }) => `${name}=${String(value)}`).join("\n");
}

/** The directory that a path is in; that of the root is the root. */
export function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/")) || "/";
}

/** The path of a name in a directory. */
export function inDirectory(directory: string, name: string): string {
  return directory === "/" ? `/${name}` : `${directory}/${name}`;
}

/** The directories that a path lies in, without the root, from above. */
export function ancestorsOf(path: string): string[] {
  const names = path.split("/").slice(1, -1);
  return names.map((_, index) => `/${names.slice(0, index + 1).join("/")}`);
}

/** Whether a path is that of a directory or of something below it. */
export function isWithin(path: string, directory: string): boolean {
  return path === directory || directory === "/" || path.startsWith(`${directory}/`);
}

/** The bytes of a path, with a zero behind them, as system calls take it. */
export function pathBytes(path: string): Uint8Array {
  return Uint8Array.from(`${path}\0`, (char) => char.charCodeAt(0));
}

/** As many characters as are made at once: each is an argument of a call. */
const CHARACTERS_AT_ONCE = 8192;

/** A path from its bytes. */
export function pathFromBytes(bytes: Uint8Array): string {
  let path = "";
  for (let at = 0; at < bytes.length; at += CHARACTERS_AT_ONCE) {
    path += String.fromCharCode(...bytes.subarray(at, at + CHARACTERS_AT_ONCE));
  }
  return path;
}

/** A path from text that a person wrote. */
export function pathFromText(text: string): string {
  return pathFromBytes(new TextEncoder().encode(text));
}

/** What a person wrote is not the path of a file in a tree. */
export class NotAPath extends Error {
  override readonly name = "NotAPath";
}

/**
 * An absolute path as a person or a shell writes it, with one slash between names and none behind the last.
 *
 * @throws {NotAPath} if it is not absolute, or leads over `.` or `..`, which can be told only in a guest
 */
export function plainPath(text: string): string {
  if (!text.startsWith("/")) throw new NotAPath(`"${text}" is not an absolute path.`);
  const names = text.split("/").filter((name) => name !== "");
  const dots = names.find((name) => name === "." || name === "..");
  if (dots !== undefined) {
    throw new NotAPath(`"${text}" has "${dots}" in it; write the path without it.`);
  }
  return `/${names.join("/")}`;
}

/** A path as text for a person; bytes that are no UTF-8, or no visible characters, stand as `\xNN`. */
export function showPath(path: string): string {
  const escaped = (char: string): string =>
    Array.from(char, (each) => `\\x${each.charCodeAt(0).toString(16).padStart(2, "0")}`).join("");
  try {
    const bytes = Uint8Array.from(path, (char) => char.charCodeAt(0));
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return text.replace(/\p{Cc}/gu, escaped);
  } catch {
    return path.replace(/[^ -~]/g, escaped);
  }
}
