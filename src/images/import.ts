import { writePages } from "../storage/pages.js";
import { loadGuest } from "./build.js";
import { readGuestTexts } from "./guest-files.js";
import { type DiskImage, storeGuest } from "./guest-store.js";
import { attendantFiles, installAttendant } from "./import-attendant.js";
import { ImportError } from "./import-error.js";
import {
  blankSystemDisk,
  checkConsole,
  diskOf,
  installGrub,
  mountSystem,
  unpackTarball,
  wholeDisk,
} from "./import-layout.js";
import { type ImportSource, readSource } from "./import-source.js";
import { examineSystem, type FoundKernel, type FoundSystem } from "./import-system.js";
import { openWorkshop, type Workshop } from "./import-workshop.js";
import { IMPORTED_RECIPE, importedFolder, isGuestName } from "./imported.js";
import { packagesOf, unpackIngredients } from "./ingredients.js";
import { KEYRING_PACKAGE } from "./archive.js";
import { pinOf, readPins } from "./packages.js";
import type { BuildOptions } from "./progress.js";
import { listGuests, parseRecipe, readRecipe, type Recipe } from "./recipe.js";
import { supplyPackages } from "./supply.js";

/** How the guest is to be called, and what cannot be seen in its files. */
export interface ImportOptions extends BuildOptions {
  readonly name: string;
  readonly user: string;
  /** Regular expressions for what the guest prints. */
  readonly loginPrompt: string;
  readonly shellPrompt: string;
  readonly memoryMegabytes: number;
  /** Release of the kernel to start with, or a part of it; null for the oldest. */
  readonly kernel: string | null;
}

/** A guest that was made of somebody's system. */
export interface ImportedGuest {
  readonly system: FoundSystem;
  readonly recipe: Recipe;
  /** What was changed in the system, a line each for a person. */
  readonly changes: readonly string[];
}

/** The guest of ours that lends its kernel to the workshop, and its firmware and empty `/home`. */
const LENDER = "busybox";

/** Imported systems boot as slowly as they do. */
const BOOT_LIMIT_MS = 600_000;

/**
 * Makes a guest of a system and stores it in the cache, in the place of one of the same name.
 *
 * @param file a raw disk image or a tarball
 * @param fileName what messages call it
 * @throws {ImportError} if it is not a system that the emulated PC can run, or the name is taken
 * @throws {RecipeError} if no guest can be as the options say; what was stored of this name stays then
 * @throws what `loadGuest` throws, if the lending guest cannot be had
 */
export async function importGuest(
  file: Uint8Array,
  fileName: string,
  options: ImportOptions,
): Promise<ImportedGuest> {
  await checkName(options.name);
  const source = await readSource(fileName, file);
  if (source.kind === "disk" && options.kernel !== null) {
    throw new ImportError(
      `${fileName} is a disk image, whose own boot loader chooses the kernel: leave --kernel out and set ` +
        "its default there, or pack the files of the system with tar and import that.",
    );
  }
  const lender = await loadGuest(LENDER, options);
  const home = lender.disks.find(({ name }) => name === "home");
  if (home === undefined) throw new RangeError(`the guest ${LENDER} has no disk for /home`);

  const { recipe, texts, ingredients } = await ingredientsOf(LENDER, options);
  const base =
    source.kind === "disk"
      ? wholeDisk(source.content)
      : blankSystemDisk(source.content.length, ingredients);
  const disks = [
    diskOf("system", base),
    ...(source.kind === "tarball" ? [diskOf("tarball", source.content)] : []),
  ];
  const files = await attendantFiles(texts.guest);
  const { signal } = options;
  const shop = await openWorkshop({ recipe, ingredients, disks, files, signal });
  try {
    const { system, changes } = await work(shop, source, options, recipe.commandLine);
    writePages(base, await shop.written());
    const systemDisk = diskOf("system", base);
    const imported = recipeOf(fileName, system, source, options, recipe, [systemDisk, home]);
    const made = parseRecipe(`what was made of ${fileName}`, JSON.stringify(imported));
    await store({ ...lender, disks: [systemDisk, home] }, imported, options);
    return { system, changes, recipe: made };
  } finally {
    await shop.dispose();
  }
}

async function checkName(name: string): Promise<void> {
  if (!isGuestName(name)) {
    throw new ImportError(
      `"${name}" is no name for a guest: take small letters, digits and "-", and begin with a letter.`,
    );
  }
  if ((await listGuests()).includes(name)) {
    throw new ImportError(
      `There is a guest ${name} already that is built from a recipe: take another name.`,
    );
  }
}

/** What the workshop runs: unpacked packages of a guest of ours. */
async function ingredientsOf(guest: string, options: BuildOptions) {
  const recipe = await readRecipe(guest);
  const pins = await readPins();
  const needed = [...packagesOf(recipe), KEYRING_PACKAGE].map((name) => pinOf(pins, name));
  const debs = await supplyPackages(needed, options);
  return {
    recipe,
    texts: await readGuestTexts(guest),
    ingredients: await unpackIngredients(recipe, debs, options),
  };
}

/** Looks into the system, and makes it ready to be a guest. */
async function work(
  shop: Workshop,
  { kind, remarks }: ImportSource,
  { user, kernel, progress }: ImportOptions,
  commandLine: string,
): Promise<Pick<ImportedGuest, "system" | "changes">> {
  const step = (done: number): void => {
    progress({ step: "build", done, total: 3, unit: "steps" });
  };
  step(0);
  if (kind === "tarball") await unpackTarball(shop);
  else await mountSystem(shop);
  step(1);
  const found = await examineSystem(shop);
  const system = { ...found, kernels: startingWith(found.kernels, kernel) };
  step(2);
  const changes = [...remarks];
  if (kind === "tarball") {
    await installGrub(shop, system, commandLine);
    changes.push(
      "a partition table, ext4 and GRUB; /etc/fstab is new, the old one is fstab.imported",
    );
  } else await checkConsole(shop);
  changes.push(...(await installAttendant(shop, system.init, user)));
  await shop.run(
    "sync && umount -r /target/boot 2>/dev/null; umount /target",
    "the disk is in use",
  );
  step(3);
  return { system, changes };
}

/** @throws {ImportError} naming the kernels that there are, if none is called so */
export function startingWith(
  kernels: readonly FoundKernel[],
  wanted: string | null,
): readonly FoundKernel[] {
  if (wanted === null) return kernels;
  const first = kernels.find(({ release }) => release.includes(wanted));
  if (first !== undefined) return [first, ...kernels.filter((each) => each !== first)];
  const known = kernels.map(({ release }) => release).join(", ");
  throw new ImportError(`The system has no kernel "${wanted}"; it has ${known}.`);
}

/** The recipe of a guest that nobody can build; what stands in it was found, or given. */
function recipeOf(
  fileName: string,
  { init, kernels }: FoundSystem,
  { kind }: ImportSource,
  options: ImportOptions,
  lender: Recipe,
  disks: readonly DiskImage[],
) {
  const [first, ...others] = kernels;
  // The newest, but for the one that the system starts with.
  const next = others.at(-1);
  return {
    description: `imported from ${fileName}: ${init}, Linux ${first?.release ?? ""}`,
    memoryMegabytes: options.memoryMegabytes,
    files: [],
    kernels: kernels.map(({ release }) => ({ release, package: "imported" })),
    commandLine: kind === "tarball" ? lender.commandLine : "",
    initramfsModules: [],
    disks: Object.fromEntries(
      disks.map(({ name, base, sha256 }) => [name, { megabytes: base.length >> 20, sha256 }]),
    ),
    login: {
      prompt: options.loginPrompt,
      user: options.user,
      shellPrompt: options.shellPrompt,
    },
    bootPhases: [{ name: "boot", until: options.loginPrompt, withinMs: BOOT_LIMIT_MS }],
    updates: {
      restart: {
        description: "Nothing is changed; the system starts anew",
        // What lies in /dev is gone after any boot.
        apply: [": >/dev/.before-restart"],
        check: [
          { command: "[ -e /dev/.before-restart ] || echo restarted", expect: "^restarted$" },
        ],
      },
      ...(kind === "tarball" &&
        next !== undefined && {
          kernel: {
            description: `GRUB starts Linux ${next.release} from now on`,
            apply: [
              `sed -i '/^set default=/s/=.*/=linux-${next.release}/' /boot/grub/grub.cfg && sync`,
            ],
            kernelAfter: next.release,
          },
        }),
    },
  };
}

async function store(
  images: Parameters<typeof storeGuest>[2],
  recipe: object,
  { cache, name }: ImportOptions,
): Promise<void> {
  const folder = importedFolder(name);
  await storeGuest(cache, folder, images);
  const text = `${JSON.stringify(recipe, null, 2)}\n`;
  await cache.write(`${folder}/${IMPORTED_RECIPE}`, Buffer.from(text));
}
