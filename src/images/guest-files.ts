import { readdir, readFile } from "node:fs/promises";
import { type FileTree, mergeTrees, plainFile, program, type TreeFile } from "./file-tree.js";
import { type GuestTexts, script } from "./guest-root.js";
import { imagesFolder } from "./packages.js";
import { readRecipe, type Recipe } from "./recipe.js";

/**
 * Reads the texts of a guest, those of its bases below its own; its recipe is not among them.
 *
 * @throws {RecipeError} if a base is no guest, or its recipe is not one
 */
export async function readGuestTexts(guest: string, recipe: Recipe): Promise<GuestTexts> {
  return {
    guest: await withBase(guest, recipe),
    common: await readTexts(new URL("common/", imagesFolder)),
  };
}

async function withBase(guest: string, { base }: Recipe): Promise<FileTree> {
  const own = new Map(await readTexts(new URL(`${guest}/`, imagesFolder)));
  own.delete("recipe.json");
  if (base === undefined) return own;
  const below = await withBase(base, await readRecipe(base));
  return mergeTrees(below, own, new Map([["configure", inTurn(below, own)]]));
}

/** The script that does what the base's `configure` does, and then what the guest's own does. */
function inTurn(...guests: FileTree[]): TreeFile {
  const texts = guests.map((texts) => script(texts, "configure"));
  return program(
    Buffer.concat(texts.map((file) => (file.kind === "file" ? file.content : Buffer.of()))),
  );
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
