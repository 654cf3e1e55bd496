import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { cacheFolder } from "../node/cache.js";

/** Where the cache has a guest that was imported: its recipe, its firmware and its disks. */
export function importedFolder(name: string): string {
  return `imported/${name}`;
}

/** The file of the recipe in that folder. It is written last, so where it stands the guest is complete. */
export const IMPORTED_RECIPE = "recipe.json";

/** Names of the guests that were imported, sorted. */
export async function listImported(): Promise<string[]> {
  const names = await readdir(path.join(cacheFolder(), "imported")).catch(() => []);
  const found: string[] = [];
  for (const name of names.sort()) if ((await importedRecipe(name)) !== null) found.push(name);
  return found;
}

/** The text of an imported guest's recipe; null if there is no such guest. */
export async function importedRecipe(name: string): Promise<string | null> {
  if (!isGuestName(name)) return null;
  return readFile(importedRecipeFile(name), "utf8").catch(() => null);
}

/** Where the recipe of an imported guest lies. */
export function importedRecipeFile(name: string): string {
  return path.join(cacheFolder(), importedFolder(name), IMPORTED_RECIPE);
}

/** Whether a guest may be called so: its name becomes that of a folder. */
export function isGuestName(name: string): boolean {
  return /^[a-z][a-z0-9-]{0,30}$/.test(name);
}
