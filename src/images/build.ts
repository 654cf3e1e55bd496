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
import { type Contents, firmwareOf, packagesOf, unpackIngredients } from "./ingredients.js";
import { layeredRoot, planRoot, type RootPlan, withFirstScript } from "./layered-root.js";
import { pinOf, type PinnedPackage, readPins } from "./packages.js";
import { loadImported } from "./load-imported.js";
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
  /** What its root and the building machine are made of, file by file. */
  readonly contents: Contents;
  readonly pins: readonly PinnedPackage[];
  /** What its root begins with, where it has a layer. */
  readonly below: RootPlan | null;
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
  const imported = await loadImported(name, options.cache);
  if (imported !== null) return imported;
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
  const ingredients = await unpackIngredients(plan.contents, debs, options);
  const firmware = firmwareOf(ingredients);
  const below = plan.below === null ? undefined : await layeredRoot(plan.below, options);
  const built = await buildDisks(name, recipe, ingredients, texts, firmware, options, below);
  const disks = [...built].map(([disk, image]): DiskImage => {
    return { name: disk, base: sharedImage(nonZeroPages(image)), sha256: sha256(image) };
  });
  const images = { ...firmware, disks };
  // Also where the recipe does not say so: once it does, nothing needs to be built again.
  await storeGuest(options.cache, folderOf(name, plan, withHashes(recipe.disks, disks)), images);
  compareWithRecipe(name, recipe, disks);
  return { name, recipe, ...images };
}

async function planOf(name: string): Promise<Plan> {
  const recipe = await readRecipe(name);
  const allPins = await readPins();
  const below =
    recipe.layer === undefined
      ? null
      : await planRoot(recipe.layer, recipe.packages, recipe.archives);
  const texts = withFirstScript(await readGuestTexts(name), below);
  // On a layer it is dpkg who knows of the packages.
  const contents = below === null ? recipe : { ...recipe, packages: [] };
  const pins = [...packagesOf(contents), KEYRING_PACKAGE].map((each) => pinOf(allPins, each));
  const plan = { recipe, texts, contents, pins, below };
  return { ...plan, folder: folderOf(name, plan, recipe.disks) };
}

/** Where the cache has a guest with these disks. */
function folderOf(name: string, plan: Omit<Plan, "folder">, disks: Recipe["disks"]): string {
  // What else a recipe says decides no byte of the disks.
  const { packages, files, kernels, commandLine, initramfsModules, modules } = plan.recipe;
  const contents = { packages, files, kernels, commandLine, initramfsModules, disks };
  const layered = plan.below === null ? [] : [{ below: plan.below.key, modules }];
  const trees = [plan.texts.guest, plan.texts.common].map((tree) => cpioArchive(tree));
  const key = sha256(...trees, JSON.stringify([contents, plan.pins, ...layered])).slice(0, 16);
  return `guests/${name}-${key}`;
}

function withHashes({ system, home }: Recipe["disks"], built: readonly DiskImage[]) {
  const hash = (disk: string) => built.find(({ name }) => name === disk)?.sha256 ?? "";
  return {
    system: { ...system, sha256: hash("system") },
    home: { ...home, sha256: hash("home") },
  };
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

/** A file of a guest in the cache. */
interface CachedItem {
  readonly name: string;
  readonly state: "good" | "missing";
}

/** What is in the cache for a guest. */
export interface GuestVerification {
  /** Its packages and disks, by file, in the order in which a build takes them. */
  readonly items: readonly CachedItem[];
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
  const plan = await planOf(name);
  const { pins, below } = plan;
  const items: CachedItem[] = [];
  for (const pin of [...pins, ...(below?.pins ?? []), ...(below?.archives ?? [])]) {
    const deb = await cachedDeb(pin, cache);
    items.push({ name: `${pin.name} ${pin.version}`, state: deb ? "good" : "missing" });
  }
  items.push(...(await verifyDisks(plan, cache)));
  return { items, checks: await rememberedCheck(pins, cache) };
}

/**
 * Whether the cache has the disks of a guest, down to the last byte: it starts then, even if packages that they
 * were made of are gone.
 *
 * @throws {RecipeError} if there is no such guest
 * @throws {CacheError} if the cache cannot be read
 */
export async function isBuilt(name: string, cache: Cache): Promise<boolean> {
  const disks = await verifyDisks(await planOf(name), cache);
  return disks.every(({ state }) => state === "good");
}

async function verifyDisks({ recipe, folder }: Plan, cache: Cache): Promise<CachedItem[]> {
  const images = await takeGuest(cache, folder);
  return Object.entries(recipe.disks).map(([disk, { sha256: expected }]) => {
    const image = images?.disks.find((each) => each.name === disk);
    const good = image !== undefined && sha256(image.base) === expected;
    return { name: `${disk} disk`, state: good ? "good" : "missing" };
  });
}
