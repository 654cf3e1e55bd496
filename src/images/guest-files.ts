import { readdir, readFile } from "node:fs/promises";
import {
  type FileTree,
  mergeTrees,
  plainFile,
  program,
  textOf,
  type TreeFile,
} from "./file-tree.js";
import type { GuestTexts } from "./guest-root.js";
import { imagesFolder } from "./packages.js";
import { readFolders } from "./recipe.js";

/**
 * Reads the texts of a guest, those of its bases below its own; the recipes are not among them.
 *
 * @throws {RecipeError} if a base is missing, or is its own base
 */
export async function readGuestTexts(guest: string): Promise<GuestTexts> {
  let texts: FileTree = new Map<string, TreeFile>();
  for (const { name } of await readFolders(guest)) {
    const own = new Map(await readTexts(new URL(`${name}/`, imagesFolder)));
    own.delete("recipe.json");
    own.delete("base.json");
    texts = mergeTrees(texts, own, new Map([["configure", inTurn(texts, own)]]));
  }
  return { guest: texts, common: await readTexts(new URL("common/", imagesFolder)) };
}

/** The script that does what the first tree's `configure` does, and then what that of the second does. */
export function inTurn(...trees: FileTree[]): TreeFile {
  return program(trees.map((texts) => textOf(texts, "configure")).join(""));
}

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
