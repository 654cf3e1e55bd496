import { SystemCallFailed } from "../../src/guest/errno.js";
import type { Program } from "../../src/guest/gate.js";
import type { Argument, Stub } from "../../src/guest/stub-session.js";
import { directoryEntries } from "./proc-stub.js";

const ENOENT = 2;
const EXDEV = 18;
const ENOSYS = 38;
const EOPNOTSUPP = 95;
const MOUNT_ROOT = 0x2000;
const DIRECTORY = 0o040755;
const FILE = 0o100644;
const WATCH = 1000;
const NAMES_AT_ONCE = 1000;

/** A file of a made-up tree; one whose inode is not said has one of its own. */
export interface Node {
  readonly directory?: true;
  readonly inode?: number;
  readonly links?: number;
  readonly size?: number;
}

/** A guest that is nothing but a tree of files, which can be changed between two looks. */
export interface TreeGuest {
  readonly stub: Stub;
  readonly files: Map<string, Node>;
  /** Where other file systems are mounted. */
  readonly mounts: Set<string>;
  /** What the kernel reports next: a name in a directory. */
  readonly reports: { readonly directory: string; readonly name: string }[];
}

const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1");

/** As fanotify(7) has it; the handle of a directory is its path. */
function report(directory: string, name: string): Uint8Array {
  const [handle, text] = [Buffer.from(directory), Buffer.from(`${name}\0`)];
  const bytes = Buffer.alloc(24 + 12 + 8 + handle.length + text.length);
  bytes.writeUInt32LE(bytes.length, 0);
  bytes.writeUInt8(2, 24);
  bytes.writeUInt32LE(handle.length, 36);
  handle.copy(bytes, 44);
  text.copy(bytes, 44 + handle.length);
  return bytes;
}

/** Makes a guest; `reports` says whether its kernel can tell what changes. */
export function treeGuest(
  nodes: Readonly<Record<string, Node>>,
  { canReport }: { readonly canReport: boolean },
): TreeGuest {
  const files = new Map<string, Node>(Object.entries({ "/": { directory: true }, ...nodes }));
  const mounts = new Set<string>();
  const reports: TreeGuest["reports"] = [];
  const open = new Map<number, { path: string; names: string[] | null }>();
  const inodes = new Map<string, number>();
  let nextFd = 3;
  let out: Uint8Array = new Uint8Array(256);

  const pathOf = (fd: Argument | undefined): string => open.get(Number(fd))?.path ?? "/proc";
  const join = (directory: string, name: string): string =>
    name === "" || name === "." ? directory : `${directory === "/" ? "" : directory}/${name}`;
  const within = (path: string, directory: string): boolean =>
    path === directory || path.startsWith(`${directory}/`);
  function openPath(path: string): number {
    if (path !== "/proc" && !files.has(path)) return -ENOENT;
    open.set(nextFd, { path, names: null });
    return nextFd++;
  }
  function describe(path: string): number {
    const node = files.get(path);
    if (node === undefined) return -ENOENT;
    const view = new DataView(new ArrayBuffer(256));
    if (!inodes.has(path)) inodes.set(path, 100_000 + inodes.size);
    view.setUint32(8, mounts.has(path) ? MOUNT_ROOT : 0, true);
    view.setUint32(56, MOUNT_ROOT, true);
    view.setUint32(16, node.links ?? 1, true);
    view.setUint16(28, node.directory === true ? DIRECTORY : FILE, true);
    view.setBigUint64(32, BigInt(node.inode ?? inodes.get(path) ?? 0), true);
    view.setBigUint64(40, BigInt(node.size ?? 0), true);
    view.setBigInt64(96, BigInt(node.size ?? 0), true);
    out = new Uint8Array(view.buffer);
    return 0;
  }
  function list(fd: number): number {
    const directory = open.get(fd);
    if (directory === undefined) return 0;
    const own = directory.path === "/" ? "/" : `${directory.path}/`;
    directory.names ??= [...files.keys()]
      .filter((path) => path !== "/" && path.startsWith(own))
      .map((path) => path.slice(own.length))
      .filter((name) => !name.includes("/"));
    out = directoryEntries(directory.names.splice(0, NAMES_AT_ONCE));
    return out.length;
  }
  function read(): number {
    const next = reports.shift();
    out = next === undefined ? new Uint8Array() : report(next.directory, next.name);
    return out.length;
  }
  function make(name: string, [first, second]: readonly Argument[]): number {
    const text = second instanceof Uint8Array ? textOf(second).split("\0")[0] : undefined;
    switch (name) {
      case "open":
        return openPath(String(first));
      case "openat2": {
        const path = join(pathOf(first), text ?? "");
        return [...mounts].some((mount) => within(path, mount)) ? -EXDEV : openPath(path);
      }
      case "open_by_handle_at":
        return openPath(second instanceof Uint8Array ? textOf(second.subarray(8)) : "");
      case "readlink":
        out = new Uint8Array(Buffer.from(pathOf(Number(String(first).split("/").at(-1)))));
        return out.length;
      case "statx":
        return describe(join(pathOf(first), text ?? ""));
      case "getdents64":
        return list(Number(first));
      case "read":
        return read();
      case "fanotify_init":
        return canReport ? WATCH : -ENOSYS;
      case "llistxattr":
        return -EOPNOTSUPP;
      default:
        return 0;
    }
  }
  function* attempt(name: string, ...args: readonly Argument[]): Program<number> {
    return make(name, args);
  }
  function* call(name: string, ...args: readonly Argument[]): Program<number> {
    const result = make(name, args);
    if (result < 0) throw new SystemCallFailed(name, -result);
    return result;
  }
  const results = (length: number): Uint8Array => out.slice(0, length);
  const view = (length: number): DataView => new DataView(results(length).buffer);
  // To look at files takes no more of a stub.
  const stub = { out: 0, call, attempt, results, view } as unknown as Stub;
  return { stub, files, mounts, reports };
}
