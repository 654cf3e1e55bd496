import { KEYRING_PACKAGE } from "./archive.js";
import { type FileTree, mergeTrees } from "./file-tree.js";
import { inTurn } from "./guest-files.js";
import type { GuestTexts } from "./guest-root.js";
import { archivedDebs, type LayerPlan, loadLayer, planLayer, unpackOver } from "./layer.js";
import { pinOf, type PinnedPackage, readPins } from "./packages.js";
import type { BuildOptions } from "./progress.js";
import { supplyPackages } from "./supply.js";

/** What the root of a guest on a layer begins with. */
export interface RootPlan {
  readonly layer: LayerPlan;
  /** Packages that the guest has besides those of the layer. */
  readonly pins: readonly PinnedPackage[];
  /** Packages whose `.deb` files lie in it, besides those of the layer. */
  readonly archives: readonly PinnedPackage[];
  /** Stands for all that decides its content. */
  readonly key: string;
}

/**
 * Reads what the root of a guest on a layer begins with.
 *
 * @throws {RecipeError} if there is no such layer, or its recipe breaks the schema
 * @throws {RangeError} if a package is not pinned
 */
export async function planRoot(
  name: string,
  packages: readonly string[],
  archived: readonly string[] = [],
): Promise<RootPlan> {
  const layer = await planLayer(name);
  const allPins = await readPins();
  const pinned = (names: readonly string[]) =>
    names.map((each) => pinOf(allPins, each, layer.recipe.suite));
  const pins = pinned(packages);
  const archives = pinned(archived);
  const key = JSON.stringify([layer.file, layer.recipe.sha256, pins, ...archives]);
  return { layer, pins, archives, key };
}

/**
 * The layer with the guest's packages over it, which are unpacked and not configured yet, and its archives.
 *
 * @throws what `loadLayer` throws
 */
export async function layeredRoot(
  { layer, pins, archives }: RootPlan,
  options: BuildOptions,
): Promise<FileTree> {
  const below = await loadLayer(layer, options);
  const keyring = pinOf(await readPins(), KEYRING_PACKAGE);
  const debs = await supplyPackages([...pins, keyring], options);
  const wanted = pins.flatMap((pin) => debs.get(pin.name) ?? []);
  const root = await unpackOver(below, wanted, layer.texts, options);
  return mergeTrees(root, await archivedDebs(archives, options));
}

/** On a layer, the packages are configured before the guest's own script runs. */
export function withFirstScript(texts: GuestTexts, root: RootPlan | null): GuestTexts {
  if (root === null) return texts;
  const configure = inTurn(root.layer.texts, texts.guest);
  return { ...texts, guest: mergeTrees(texts.guest, new Map([["configure", configure]])) };
}
