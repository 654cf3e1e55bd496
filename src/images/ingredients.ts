import { DebError, unpackDeb } from "./deb.js";
import type { FileTree } from "./file-tree.js";
import type { BuildOptions } from "./progress.js";
import type { Recipe } from "./recipe.js";

/** Unpacked files of packages, by the names of the packages. */
export type Ingredients = ReadonlyMap<string, FileTree>;

/** What the building machine runs: busybox, the makers of the file system and of GRUB, their libraries. */
const toolPackages: Readonly<Record<string, RegExp>> = {
  "busybox-static": /^bin\/busybox$/,
  e2fsprogs: /^(sbin\/(mke2fs|debugfs)|etc\/mke2fs\.conf)$/,
  "grub-common": /^usr\/bin\/grub-mkimage$/,
  "grub-pc-bin": /^usr\/lib\/grub\/i386-pc\//,
  libc6: /^lib\/(i386-linux-gnu\/)?(ld-linux|libc|libm)\.so\./,
  libblkid1: /\.so\./,
  "libcom-err2": /\.so\./,
  "libdevmapper1.02.1": /\.so\./,
  libext2fs2: /\.so\./,
  liblzma5: /\.so\./,
  "libpcre2-8-0": /\.so\./,
  libselinux1: /\.so\./,
  libss2: /\.so\./,
  libudev1: /\.so\./,
  libuuid1: /\.so\./,
};

const firmwarePackage = "seabios";
const biosPath = "usr/share/seabios/bios.bin";
const vgaBiosPath = "usr/share/seabios/vgabios-stdvga.bin";

/** What a guest that nobody reads manuals in does without: half of some packages. */
const documentation = /^usr\/share\/(doc|info|lintian|locale|man)\//;

/** The firmware of a machine. */
export interface Firmware {
  readonly bios: Uint8Array;
  readonly vgaBios: Uint8Array;
}

/** The kernel, and those of its modules that an initramfs may need; all of them are ten times as many. */
const kernelFiles =
  /^boot\/vmlinuz-|\/kernel\/(block|crypto|fs|lib|arch\/x86\/crypto|drivers\/(ata|block|scsi))\/.*\.ko$/;

/** The parts of a recipe that are taken from packages file by file. */
export type Contents = Pick<Recipe, "packages" | "files" | "kernels">;

/** Tells which files of a package the build of a guest takes. */
function isWanted(recipe: Contents, name: string, path: string): boolean {
  return (
    toolPackages[name]?.test(path) === true ||
    (name === firmwarePackage && [biosPath, vgaBiosPath].includes(path)) ||
    (recipe.kernels.some((kernel) => kernel.package === name) && kernelFiles.test(path)) ||
    (recipe.packages.includes(name) && !documentation.test(path)) ||
    recipe.files.some((file) => file.package === name && file.path === path)
  );
}

/** Names of the packages that the build of a guest unpacks, sorted. */
export function packagesOf(recipe: Contents): string[] {
  const ofGuest = [...recipe.files, ...recipe.kernels].map((part) => part.package);
  const all = [...Object.keys(toolPackages), firmwarePackage, ...recipe.packages, ...ofGuest];
  return [...new Set(all)].sort();
}

/**
 * Unpacks what the build of a guest takes from its packages.
 *
 * @param debs the packages of `packagesOf` by their names
 * @throws {DebError} if a package is damaged
 */
export async function unpackIngredients(
  recipe: Contents,
  debs: ReadonlyMap<string, Uint8Array>,
  { progress, signal }: Pick<BuildOptions, "progress" | "signal">,
): Promise<Ingredients> {
  const names = packagesOf(recipe);
  const ingredients = new Map<string, FileTree>();
  for (const name of names) {
    signal?.throwIfAborted();
    const report = (done: number) => {
      progress({ step: "unpack", done, total: names.length, unit: "packages" });
    };
    report(ingredients.size);
    const deb = debs.get(name) ?? new Uint8Array();
    ingredients.set(name, await unpackDeb(deb, (path) => isWanted(recipe, name, path), signal));
    report(ingredients.size);
  }
  return ingredients;
}

/** The files that the building machine runs. */
export function builderTools(ingredients: Ingredients): FileTree {
  const files = Object.entries(toolPackages).flatMap(([name, tools]) =>
    [...(ingredients.get(name) ?? [])].filter(([path]) => tools.test(path)),
  );
  return new Map(files);
}

/** The files of the packages that a guest has as a whole. */
export function wholePackages(recipe: Recipe, ingredients: Ingredients): FileTree {
  const files = recipe.packages.flatMap((name) =>
    [...(ingredients.get(name) ?? [])].filter(([path]) => !documentation.test(path)),
  );
  return new Map(files);
}

/**
 * The content of a file of a package.
 *
 * @throws {DebError} if the package has no such file
 */
export function ingredient(ingredients: Ingredients, name: string, path: string): Uint8Array {
  const file = ingredients.get(name)?.get(path);
  if (file?.kind === "file") return file.content;
  throw new DebError(`the package ${name} has no file ${path}`);
}

/** The firmware that every machine of ours has. */
export function firmwareOf(ingredients: Ingredients): Firmware {
  return {
    bios: ingredient(ingredients, firmwarePackage, biosPath),
    vgaBios: ingredient(ingredients, firmwarePackage, vgaBiosPath),
  };
}
