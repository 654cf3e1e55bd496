import type { Cache } from "../node/cache.js";
import { nonZeroPages } from "../storage/pages.js";
import { KEYRING_PACKAGE, rememberedCheck, type SuiteCheck } from "./archive.js";
import { buildDisks } from "./build-disks.js";
import { cpioArchive } from "./cpio.js";
import { readGuestTexts } from "./guest-files.js";
import type { GuestTexts } from "./guest-root.js";
import {
  type DiskImage,
  type GuestImages,
  sharedImage,
  storeGuest,
  takeGuest,
} from "./guest-store.js";
import { firmwareOf, packagesOf, unpackIngredients } from "./ingredients.js";
import { pinOf, type PinnedPackage, readPins } from "./packages.js";
import type { BuildOptions } from "./progress.js";
import { readRecipe, type Recipe } from "./recipe.js";
import { sha256 } from "./sha256.js";
import { cachedDeb, supplyPackages } from "./supply.js";

/** A guest that is ready to be started. */
export interface BuiltGuest extends GuestImages {
  readonly name: string;
  readonly recipe: Recipe;
}

/** A disk came out with other bytes than the recipe says. */
export class ImageMismatchError extends Error {
  override readonly name = "ImageMismatchError";
}

/** A guest to be built: its recipe, and everything else that decides what comes out. */
interface Plan {
  readonly recipe: Recipe;
  readonly texts: GuestTexts;
  readonly pins: readonly PinnedPackage[];
  /** Where the cache has the result. */
  readonly folder: string;
}

/**
 * A guest from the cache, or built if it is not there. It may be called by two processes at once: both
 * build the same files then.
 *
 * @throws {RecipeError} if there is no such guest
 * @throws {CacheError} if the cache cannot be read or written
 * @throws what `buildGuest` throws, if the guest must be built
 */
export async function loadGuest(name: string, options: BuildOptions): Promise<BuiltGuest> {
  const plan = await planOf(name);
  const images = await takeGuest(options.cache, plan.folder);
  return images ? { name, recipe: plan.recipe, ...images } : await build(name, plan, options);
}

/**
 * Builds a guest and stores it in the cache, whether it is there already or not.
 *
 * @throws {RecipeError} if there is no such guest
 * @throws {NoMirrorError | FetchError | ArchiveError} if its packages cannot be had, or not trusted
 * @throws {BuilderError | WaitExpired | MachineDied} if the machine that builds its disks fails
 * @throws {ImageMismatchError} if a disk is not the one that the recipe says
 * @throws {CacheError} if the cache cannot be read or written
 */
export async function buildGuest(name: string, options: BuildOptions): Promise<BuiltGuest> {
  return await build(name, await planOf(name), options);
}

async function build(name: string, plan: Plan, options: BuildOptions): Promise<BuiltGuest> {
  const { recipe, texts } = plan;
  const debs = await supplyPackages(plan.pins, options);
  const ingredients = await unpackIngredients(recipe, debs, options);
  const firmware = firmwareOf(ingredients);
  const built = await buildDisks(name, recipe, ingredients, texts, firmware, options);
  const disks = [...built].map(([disk, image]): DiskImage => {
    return { name: disk, base: sharedImage(nonZeroPages(image)), sha256: sha256(image) };
  });
  compareWithRecipe(name, recipe, disks);
  const images = { ...firmware, disks };
  await storeGuest(options.cache, plan.folder, images);
  return { name, recipe, ...images };
}

async function planOf(name: string): Promise<Plan> {
  const recipe = await readRecipe(name);
  const texts = await readGuestTexts(name, recipe);
  const allPins = await readPins();
  const pins = [...packagesOf(recipe), KEYRING_PACKAGE].map((each) => pinOf(allPins, each));
  // What else a recipe says decides no byte of the disks.
  const { packages, files, kernels, commandLine, initramfsModules, disks } = recipe;
  const contents = { packages, files, kernels, commandLine, initramfsModules, disks };
  const trees = [texts.guest, texts.common].map((tree) => cpioArchive(tree));
  const key = sha256(...trees, JSON.stringify([contents, pins])).slice(0, 16);
  return { recipe, texts, pins, folder: `guests/${name}-${key}` };
}

function compareWithRecipe(name: string, recipe: Recipe, disks: readonly DiskImage[]): void {
  const wrong = disks.flatMap((disk) => {
    const expected = Object.entries(recipe.disks).find(([each]) => each === disk.name)?.[1].sha256;
    const line = `the ${disk.name} disk has SHA-256 ${disk.sha256}, the recipe says ${expected ?? "none"}`;
    return disk.sha256 === expected ? [] : [line];
  });
  if (wrong.length > 0) {
    throw new ImageMismatchError(
      `the guest ${name} came out with other bytes than its recipe says: ${wrong.join("; ")}. ` +
        "If you have changed what it is made of, put the new hashes into " +
        `images/${name}/recipe.json; if not, please report this`,
    );
  }
}

/** What is in the cache for a guest. */
export interface GuestVerification {
  /** Its packages and disks, by file, in the order in which a build takes them. */
  readonly items: readonly { readonly name: string; readonly state: "good" | "missing" }[];
  /** What the archive's signature said of the packages; null if that was not asked yet. */
  readonly checks: readonly SuiteCheck[] | null;
}

/**
 * Looks at all that the cache has for a guest, down to the last byte, without a network. What is
 * damaged counts as missing: it is replaced when it is needed.
 *
 * @throws {RecipeError} if there is no such guest
 * @throws {CacheError} if the cache cannot be read
 */
export async function verifyGuest(name: string, cache: Cache): Promise<GuestVerification> {
  const { recipe, pins, folder } = await planOf(name);
  const items: { name: string; state: "good" | "missing" }[] = [];
  for (const pin of pins) {
    const deb = await cachedDeb(pin, cache);
    items.push({ name: `${pin.name} ${pin.version}`, state: deb ? "good" : "missing" });
  }
  const images = await takeGuest(cache, folder);
  for (const [disk, { sha256: expected }] of Object.entries(recipe.disks)) {
    const image = images?.disks.find((each) => each.name === disk);
    const good = image !== undefined && sha256(image.base) === expected;
    items.push({ name: `${disk} disk`, state: good ? "good" : "missing" });
  }
  return { items, checks: await rememberedCheck(pins, cache) };
}
