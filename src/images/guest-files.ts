import { readdir, readFile } from "node:fs/promises";
import { type FileTree, plainFile, program, type TreeFile } from "./file-tree.js";

/**
 * Reads the files below a folder of the repository. They are texts; one that starts with `#!` becomes
 * executable, since not every file system that a repository lies on knows of that.
 */
export async function readTexts(folder: URL): Promise<FileTree> {
  const tree = new Map<string, TreeFile>();
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) {
      const below = await readTexts(new URL(`${entry.name}/`, folder));
      for (const [path, file] of below) tree.set(`${entry.name}/${path}`, file);
    } else {
      const text = await readFile(new URL(entry.name, folder), "utf8");
      tree.set(entry.name, text.startsWith("#!") ? program(text) : plainFile(text));
    }
  }
  return tree;
}
