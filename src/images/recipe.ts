import { readdir, readFile } from "node:fs/promises";
import { z } from "zod";
import { importedRecipe, importedRecipeFile } from "./imported.js";
import { imagesFolder } from "./packages.js";
import { healthSchema, pattern, updatesSchema } from "./updates.js";

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

const diskSchema = z.strictObject({
  megabytes: z.int().min(8).max(4096),
  /** SHA-256 of the whole image as it is built, whatever computer it is built on. */
  sha256,
});

/** What a user has open during an update. All of it is shell: lines to which `; next` can be added. */
const programSchema = z.strictObject({
  name: z.string().regex(/^[a-z0-9-]+$/),
  /** Typed in the user's session before the update. */
  start: z.string(),
  /** Typed there afterwards: ends with status 0 if the program has lived on with what it had in memory. */
  check: z.string(),
});

/** What `images/<guest>/recipe.json` holds. This schema is the definition of a recipe. */
const recipeFields = z.strictObject({
  /** One line for a list of guests. */
  description: z.string(),
  /**
   * Another folder of `images/`: its `rootfs` lies below this one's, its `configure` runs before it, and
   * what this recipe does not say, its `recipe.json` or `base.json` does. Updates are added to the base's.
   */
  base: z.string().exactOptional(),
  /** A layer of `images/layers/`: configured packages that the root begins with. */
  layer: z.string().exactOptional(),
  memoryMegabytes: z.int().min(64).max(2048),
  /**
   * Packages that the root has as a whole, but for their documentation and translations. On a layer dpkg
   * configures them.
   */
  packages: z.array(z.string()).default([]),
  /** Packages whose `.deb` files lie in `/var/cache/apt/archives`, on a layer: what its updates install. */
  archives: z.array(z.string()).default([]),
  /** Single files of packages that the root has; each is a path in the package, such as `bin/busybox`. */
  files: z.array(z.strictObject({ package: z.string(), path: z.string() })),
  /** Kernels on the system disk; the machine starts with the first. */
  kernels: z
    .array(
      z.strictObject({
        /** As `uname -r` prints it. */
        release: z.string(),
        package: z.string(),
      }),
    )
    .min(1),
  /** What every kernel is started with, besides its root. */
  commandLine: z.string(),
  /** Modules that the initramfs loads before it mounts the root; those that they need come by themselves. */
  initramfsModules: z.array(z.string()),
  /** Modules of every kernel that the root has; those that they need come by themselves. */
  modules: z.array(z.string()).default([]),
  disks: z.strictObject({
    /** `/dev/sda`: partition table, GRUB, one ext4 partition with the root. */
    system: diskSchema,
    /** `/dev/sdb`: one ext4 file system without a partition table, for `/home`. */
    home: diskSchema,
  }),
  /** How a user gets a shell on the first serial line. */
  login: z.strictObject({
    /** What the guest prints when it waits for a user name. */
    prompt: pattern,
    user: z.string(),
    /** What the guest prints when the user's shell waits for a command. */
    shellPrompt: pattern,
  }),
  /** Programs that are looked after in a run; the report says which of them survived. */
  programs: z.array(programSchema).default([]),
  /** Names of daemons that have left the user's session, and are to survive with it. */
  services: z.array(z.string()).default([]),
  /** A program that notes when it runs. */
  heartbeat: z
    .strictObject({
      /** Typed as a program's `start` is. */
      start: z.string(),
      /** Typed afterwards; it prints `<number> beats, longest gap <ms> ms`. */
      read: z.string(),
    })
    .exactOptional(),
  /** The parts of a boot in their order; each ends when the guest prints something on the first serial line. */
  bootPhases: z
    .array(
      z.strictObject({
        name: z.string(),
        until: pattern,
        /** How long it may take, in ms of virtual time; a boot that takes longer hangs. */
        withinMs: z.int().positive().default(120_000),
      }),
    )
    .min(1),
  /** What must be right after a boot, besides that a login answers. */
  health: z.array(healthSchema).default([]),
  /** Updates that a run can apply, by name. */
  updates: updatesSchema,
});

const recipeSchema = recipeFields.refine(
  ({ layer, archives }) => layer !== undefined || archives.length === 0,
  { path: ["archives"], message: "only a guest on a layer has a dpkg that could install them" },
);

/** What a guest is made of and how it behaves: the content of its `recipe.json`. */
export type Recipe = z.infer<typeof recipeSchema>;

/** There is no such guest, or its recipe is not what a recipe has to be. */
export class RecipeError extends Error {
  override readonly name = "RecipeError";
}

/** The names of all guests, sorted. */
export async function listGuests(): Promise<string[]> {
  const found: string[] = [];
  for (const entry of await readdir(imagesFolder, { withFileTypes: true })) {
    if (!entry.isDirectory()) continue;
    const names = await readdir(new URL(`${entry.name}/`, imagesFolder));
    if (names.includes("recipe.json")) found.push(entry.name);
  }
  return found.sort();
}

/**
 * Reads the recipe of a guest, be it in the repository or imported.
 *
 * @throws {RecipeError} if there is no such guest, or its recipe breaks the schema
 */
export async function readRecipe(guest: string): Promise<Recipe> {
  const guests = await listGuests();
  if (!guests.includes(guest)) {
    const imported = await importedRecipe(guest);
    if (imported !== null) return parseRecipe(importedRecipeFile(guest), imported);
    throw new RecipeError(`there is no guest "${guest}"; there are: ${guests.join(", ")}`);
  }
  const fields = (await readFolders(guest)).map((folder) => folder.fields);
  const updates: Record<string, unknown> = Object.fromEntries(
    fields.flatMap((each) => Object.entries(each.updates ?? {})),
  );
  return parseRecipe(
    `images/${guest}/recipe.json`,
    JSON.stringify(Object.assign({}, ...fields, { updates })),
  );
}

/** A folder of `images/` that a guest is made of. */
interface RecipeFolder {
  readonly name: string;
  /** What its recipe says. */
  readonly fields: Readonly<Record<string, unknown>>;
}

/** More than any guest has folders below its own; what has more goes round in circles. */
const mostFolders = 8;

/**
 * The folders that a guest is made of: its bases, the lowest first, and then its own.
 *
 * @throws {RecipeError} if a base is missing, or is its own base
 */
export async function readFolders(guest: string): Promise<readonly RecipeFolder[]> {
  const folders: RecipeFolder[] = [];
  for (let name: unknown = guest; name !== undefined; name = folders[0]?.fields.base) {
    if (typeof name !== "string" || !/^[a-z0-9-]+$/.test(name) || folders.length === mostFolders) {
      const found = JSON.stringify(name);
      throw new RecipeError(`images/${guest}/recipe.json has a base that is none: ${found}`);
    }
    folders.unshift({ name, fields: await readFields(name) });
  }
  return folders;
}

async function readFields(folder: string): Promise<Record<string, unknown>> {
  for (const name of ["recipe.json", "base.json"]) {
    const text = await readFile(new URL(`${folder}/${name}`, imagesFolder), "utf8").catch(
      () => null,
    );
    if (text !== null) return parseFields(`images/${folder}/${name}`, text);
  }
  throw new RecipeError(`images/${folder} has neither a recipe.json nor a base.json`);
}

/**
 * Parses the text of a recipe.
 *
 * @param file what messages call it
 * @throws {RecipeError} if it is not JSON, or breaks the schema
 */
export function parseRecipe(file: string, text: string): Recipe {
  const recipe = recipeSchema.safeParse(parseFields(file, text));
  if (recipe.success) return recipe.data;
  throw new RecipeError(`${file} is not a recipe: ${z.prettifyError(recipe.error)}`);
}

function parseFields(file: string, text: string): Record<string, unknown> {
  try {
    return z.record(z.string(), z.unknown()).parse(JSON.parse(text));
  } catch (cause) {
    throw new RecipeError(`${file} is not a recipe: ${String(cause)}`, { cause });
  }
}
