/** Who a file belongs to, by number. */
export interface Owner {
  readonly user: number;
  readonly group: number;
}

/** A file of a guest. It belongs to root where it does not say. */
export type TreeFile = { readonly owner?: Owner } & (
  | { readonly kind: "directory"; readonly mode: number }
  | { readonly kind: "file"; readonly mode: number; readonly content: Uint8Array }
  | { readonly kind: "symlink"; readonly target: string }
);

/** Files of a guest by their path, without a slash at either end: `etc/inittab`. */
export type FileTree = ReadonlyMap<string, TreeFile>;

/** A program or a script. */
export function program(content: Uint8Array | string): TreeFile {
  return { kind: "file", mode: 0o755, content: bytesOf(content) };
}

/** A regular file that is not executed. */
export function plainFile(content: Uint8Array | string): TreeFile {
  return { kind: "file", mode: 0o644, content: bytesOf(content) };
}

function bytesOf(content: Uint8Array | string): Uint8Array {
  return typeof content === "string" ? new TextEncoder().encode(content) : content;
}

/** The text of a file of a tree; empty if there is no such file. */
export function textOf(tree: FileTree, path: string): string {
  const file = tree.get(path);
  return file?.kind === "file" ? new TextDecoder().decode(file.content) : "";
}

/** Puts trees over one another; where two have the same path, the later one's file is taken. */
export function mergeTrees(...trees: FileTree[]): FileTree {
  return new Map(trees.flatMap((tree) => [...tree]));
}

/** The same files one folder deeper. */
export function under(folder: string, tree: FileTree): FileTree {
  return new Map([...tree].map(([path, file]) => [`${folder}/${path}`, file]));
}

/**
 * The files in the order of an archive: by path, each after the folder that holds it. Folders that are
 * missing from the tree are added.
 */
export function inArchiveOrder(tree: FileTree): [path: string, file: TreeFile][] {
  const complete = new Map(tree);
  for (const path of tree.keys()) {
    for (let end = path.lastIndexOf("/"); end > 0; end = path.lastIndexOf("/", end - 1)) {
      const folder = path.slice(0, end);
      if (!complete.has(folder)) complete.set(folder, { kind: "directory", mode: 0o755 });
    }
  }
  return [...complete].sort(([one], [other]) => (one < other ? -1 : 1));
}
