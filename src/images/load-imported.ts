import type { Cache } from "../node/cache.js";
import { type GuestImages, takeGuest } from "./guest-store.js";
import { ImportError } from "./import-error.js";
import { importedFolder, importedRecipe, importedRecipeFile } from "./imported.js";
import { listGuests, parseRecipe, type Recipe } from "./recipe.js";

/**
 * Takes a guest that was imported out of the cache; null if there is none of this name, or one that is
 * built from a recipe of the repository.
 *
 * @throws {ImportError | RecipeError} if its files are damaged
 */
export async function loadImported(
  name: string,
  cache: Cache,
): Promise<(GuestImages & { readonly name: string; readonly recipe: Recipe }) | null> {
  const text = await importedRecipe(name);
  if (text === null || (await listGuests()).includes(name)) return null;
  const images = await takeGuest(cache, importedFolder(name));
  if (images !== null)
    return { name, recipe: parseRecipe(importedRecipeFile(name), text), ...images };
  throw new ImportError(
    `The imported guest ${name} is damaged in ${cache.path(importedFolder(name))}: import it again.`,
  );
}
