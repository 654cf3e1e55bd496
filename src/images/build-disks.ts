import { runBuilder } from "./builder-machine.js";
import { cpioArchive } from "./cpio.js";
import { type FileTree, mergeTrees, under } from "./file-tree.js";
import { bootTools, guestRoot, type GuestTexts, script } from "./guest-root.js";
import { builderTools, type Firmware, ingredient, type Ingredients } from "./ingredients.js";
import { bootSector, SECTOR_BYTES } from "./mbr.js";
import type { BuildOptions } from "./progress.js";
import type { Recipe } from "./recipe.js";

/**
 * Builds the disks of a guest in a machine of ours, which makes their file systems with Debian's own
 * programs. The same ingredients and texts give the same disks on every computer.
 *
 * @param below what the guest's root begins with: its layer, with the packages that it has more
 * @returns the images by the names of the disks
 * @throws what `runBuilder` throws
 */
export async function buildDisks(
  guest: string,
  recipe: Recipe,
  ingredients: Ingredients,
  texts: GuestTexts,
  firmware: Firmware,
  options: Pick<BuildOptions, "progress" | "signal">,
  below: FileTree = new Map(),
): Promise<ReadonlyMap<string, Uint8Array>> {
  const disks = blankDisks(recipe, ingredients);
  const root = guestRoot(recipe, ingredients, texts, below);
  const system = builderSystem(recipe, ingredients, texts, root);
  return await runBuilder({ what: `guest ${guest}`, system, disks, firmware }, options);
}

/** The disks as the building machine gets them: the system disk has its partition table. */
function blankDisks(recipe: Recipe, ingredients: Ingredients): Map<string, Uint8Array> {
  const { system, home } = recipe.disks;
  const systemDisk = new Uint8Array(system.megabytes << 20);
  const bootCode = ingredient(ingredients, "grub-pc-bin", "usr/lib/grub/i386-pc/boot.img");
  systemDisk.set(bootSector(bootCode.subarray(0, SECTOR_BYTES), systemDisk.length));
  return new Map([
    ["system", systemDisk],
    ["home", new Uint8Array(home.megabytes << 20)],
  ]);
}

/** A Linux whose only process is the builder. */
function builderSystem(
  recipe: Recipe,
  ingredients: Ingredients,
  texts: GuestTexts,
  root: FileTree,
) {
  const kernel = recipe.kernels.at(-1);
  if (!kernel) throw new RangeError("a recipe has a kernel at least");
  const initramfs = mergeTrees(
    bootTools(recipe, ingredients, kernel.package),
    builderTools(ingredients),
    under("target", root),
    new Map([
      ["init", script(texts.common, "builder-init")],
      ["configure", script(texts.guest, "configure")],
    ]),
  );
  return {
    kernel: ingredient(ingredients, kernel.package, `boot/vmlinuz-${kernel.release}`),
    initrd: cpioArchive(initramfs),
    commandLine: recipe.commandLine,
  };
}
