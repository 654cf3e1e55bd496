import { readdir, readFile } from "node:fs/promises";
import { z } from "zod";
import { runBuilder } from "./builder-machine.js";
import { cpioArchive } from "./cpio.js";
import { mergedUsr, unpackPackage } from "./debian-package.js";
import { dpkgDatabase } from "./dpkg-database.js";
import { type FileTree, mergeTrees, plainFile, textOf, type TreeFile, under } from "./file-tree.js";
import { readTexts } from "./guest-files.js";
import { bootTools, script } from "./guest-root.js";
import { firmwareOf, ingredient, packagesOf, unpackIngredients } from "./ingredients.js";
import { imagesFolder, pinOf, type PinnedPackage, readPins } from "./packages.js";
import { pathFilter } from "./path-filter.js";
import type { BuildOptions } from "./progress.js";
import { RecipeError } from "./recipe.js";
import { sha256 } from "./sha256.js";
import { supplyPackages } from "./supply.js";
import { KEYRING_PACKAGE } from "./archive.js";
import { readTar } from "./tar.js";

const layerSchema = z.strictObject({
  description: z.string(),
  /** Where packages come from that do not say otherwise. */
  suite: z.string(),
  /** Packages that dpkg has configured in it, in any order: names, or `name/suite`. */
  packages: z.array(z.string()),
  /** Packages whose `.deb` files lie in `/var/cache/apt/archives`. */
  archives: z.array(z.string()).default([]),
  /** SHA-256 of the layer as a tar archive, whatever computer it is built on. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});

/** A layer to be had: what `images/layers/<name>.json` says, and what else decides its content. */
export interface LayerPlan {
  readonly name: string;
  readonly recipe: z.infer<typeof layerSchema>;
  /** What all layers share: `images/layers`. */
  readonly texts: FileTree;
  /** Of its packages. */
  readonly pins: readonly PinnedPackage[];
  /** Of the `.deb` files that lie in it. */
  readonly archives: readonly PinnedPackage[];
  /** Of the machine that configures it. */
  readonly toolPins: readonly PinnedPackage[];
  /** Where the cache has it. */
  readonly file: string;
}

/** A layer came out with other bytes than its recipe says. */
export class LayerMismatchError extends Error {
  override readonly name = "LayerMismatchError";
}

/** The machine that configures a layer, as a recipe would say it. */
const builder = {
  packages: [],
  files: [],
  kernels: [{ release: "6.1.0-50-686", package: "linux-image-6.1.0-50-686" }],
  initramfsModules: ["ata_piix", "sd_mod"],
  commandLine: "console=ttyS0 quiet tsc=reliable mitigations=off nokaslr cryptomgr.notests",
};

/** Room for a layer as a tar archive, in bytes: several times what it takes. */
const diskBytes = 512 << 20;

/** The names of all layers, sorted. */
export async function listLayers(): Promise<string[]> {
  const names = await readdir(new URL("layers/", imagesFolder));
  return names.flatMap((name) => /^(.*)\.json$/.exec(name)?.[1] ?? []).sort();
}

/**
 * Reads what a layer is made of.
 *
 * @throws {RecipeError} if there is no such layer, or its recipe breaks the schema
 */
export async function planLayer(name: string): Promise<LayerPlan> {
  const layers = await listLayers();
  if (!layers.includes(name)) {
    throw new RecipeError(`there is no layer "${name}"; there are: ${layers.join(", ")}`);
  }
  const text = await readFile(new URL(`layers/${name}.json`, imagesFolder), "utf8");
  const recipe = parseLayer(name, text);
  const texts = new Map(await readTexts(new URL("layers/", imagesFolder)));
  for (const layer of layers) texts.delete(`${layer}.json`);
  const allPins = await readPins();
  const pinned = (names: readonly string[]) =>
    names.map((each) => pinOf(allPins, each, recipe.suite));
  const pins = pinned(recipe.packages);
  const archives = pinned(recipe.archives);
  const toolPins = packagesOf(builder).map((each) => pinOf(allPins, each));
  const parts = JSON.stringify([builder, pins, archives, toolPins]);
  const key = sha256(cpioArchive(texts), parts).slice(0, 16);
  return { name, recipe, texts, pins, archives, toolPins, file: `layers/${name}-${key}.tar` };
}

function parseLayer(name: string, text: string): LayerPlan["recipe"] {
  try {
    return layerSchema.parse(JSON.parse(text));
  } catch (cause) {
    const problem = cause instanceof z.ZodError ? z.prettifyError(cause) : String(cause);
    throw new RecipeError(`images/layers/${name}.json is not a layer: ${problem}`, { cause });
  }
}

/**
 * A layer from the cache, or built if it is not there, which takes minutes.
 *
 * @throws {NoMirrorError | FetchError | ArchiveError} if its packages cannot be had, or not trusted
 * @throws {BuilderError | WaitExpired | MachineDied} if the machine that configures it fails
 * @throws {LayerMismatchError} if it is not the one that its recipe says
 * @throws {CacheError} if the cache cannot be read or written
 */
export async function loadLayer(plan: LayerPlan, options: BuildOptions): Promise<FileTree> {
  const { name, recipe, file } = plan;
  const cached = await options.cache.read(file);
  if (cached !== null && sha256(cached) === recipe.sha256) return await readTar([cached]);
  const tar = await buildLayer(plan, options);
  // Also where the recipe does not say so: once it does, nothing needs to be built again.
  await options.cache.write(file, tar);
  const found = sha256(tar);
  if (found === recipe.sha256) return await readTar([tar]);
  throw new LayerMismatchError(
    `the layer ${name} has SHA-256 ${found}, its recipe says ${recipe.sha256}. If you have changed what ` +
      `it is made of, put the new hash into images/layers/${name}.json; if not, please report this`,
  );
}

/** Unpacks packages over a root and has dpkg's database know of them; none is configured. */
export async function unpackOver(
  below: FileTree,
  debs: Iterable<Uint8Array>,
  texts: FileTree,
  options: Pick<BuildOptions, "progress" | "signal">,
): Promise<FileTree> {
  const isTaken = pathFilter(textOf(texts, "rootfs/etc/dpkg/dpkg.cfg.d/small"));
  const all = [...debs];
  const packages = [];
  for (const deb of all) {
    const done = packages.length;
    options.progress({ step: "unpack", done, total: all.length, unit: "packages" });
    packages.push(await unpackPackage(deb, isTaken, options.signal));
  }
  const files = packages.map((each) => each.files);
  return mergedUsr(mergeTrees(below, ...files, dpkgDatabase(packages, below)));
}

/** Packages as files of a root, where apt has what it has downloaded. */
export async function archivedDebs(
  pins: readonly PinnedPackage[],
  options: BuildOptions,
): Promise<FileTree> {
  if (pins.length === 0) return new Map();
  const keyring = pinOf(await readPins(), KEYRING_PACKAGE);
  const debs = await supplyPackages([...pins, keyring], options);
  const files = pins.map((pin): [string, TreeFile] => [
    `var/cache/apt/archives/${pin.path.split("/").at(-1) ?? pin.name}`,
    plainFile(debs.get(pin.name) ?? new Uint8Array()),
  ]);
  return new Map(files);
}

async function buildLayer(plan: LayerPlan, options: BuildOptions): Promise<Uint8Array> {
  const { name, texts, pins, archives, toolPins } = plan;
  const keyring = pinOf(await readPins(), KEYRING_PACKAGE);
  const tools = await supplyPackages([...toolPins, keyring], options);
  const ingredients = await unpackIngredients(builder, tools, options);
  const debs = await supplyPackages([...pins, keyring], options);
  const empty: FileTree = new Map<string, TreeFile>();
  const wanted = pins.flatMap((pin) => debs.get(pin.name) ?? []);
  const unpacked = await unpackOver(empty, wanted, texts, options);
  const target = new Map([...unpacked, ...(await archivedDebs(archives, options))]);
  for (const [path, file] of texts) {
    if (path.startsWith("rootfs/")) target.set(path.slice("rootfs/".length), file);
  }
  target.set("usr/bin/busybox", script(ingredients.get("busybox-static") ?? empty, "bin/busybox"));
  const [kernel] = builder.kernels;
  if (!kernel) throw new RangeError("the builder has a kernel");
  const initramfs = mergeTrees(
    bootTools(builder, ingredients, kernel.package),
    under("target", target),
    new Map([
      ["init", script(texts, "builder-init")],
      ["configure", script(texts, "configure")],
    ]),
  );
  const system = {
    kernel: ingredient(ingredients, kernel.package, `boot/vmlinuz-${kernel.release}`),
    initrd: cpioArchive(initramfs),
    commandLine: builder.commandLine,
  };
  const disks = new Map([["layer", new Uint8Array(diskBytes)]]);
  const task = { what: `layer ${name}`, system, disks, firmware: firmwareOf(ingredients) };
  const written = (await runBuilder(task, options)).get("layer") ?? new Uint8Array();
  return withoutPadding(written);
}

/** A tar archive ends with two blocks of zeros; what follows on the disk is none of it. */
function withoutPadding(disk: Uint8Array): Uint8Array {
  const last = disk.findLastIndex((byte) => byte !== 0);
  return disk.subarray(0, (Math.floor(last / 512) + 3) * 512);
}
