import { readdir, readFile } from "node:fs/promises";
import { z } from "zod";
import { imagesFolder } from "./packages.js";

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

/** A pattern for what a guest prints, as a regular expression in a string. */
const pattern = z.string().refine((text) => {
  try {
    new RegExp(text);
    return true;
  } catch {
    return false;
  }
}, "not a regular expression");

const diskSchema = z.strictObject({
  megabytes: z.int().min(8).max(4096),
  /** SHA-256 of the whole image as it is built, whatever computer it is built on. */
  sha256,
});

/** What `images/<guest>/recipe.json` holds. This schema is the definition of a recipe. */
const recipeSchema = z.strictObject({
  /** One line for a list of guests. */
  description: z.string(),
  /** Another guest, whose `rootfs` lies below this one's and whose `configure` runs before it. */
  base: z.string().exactOptional(),
  memoryMegabytes: z.int().min(64).max(2048),
  /** Packages that the root has as a whole, but for their documentation and translations. */
  packages: z.array(z.string()).default([]),
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
  /** The parts of a boot in their order; each ends when the guest prints something on the first serial line. */
  bootPhases: z.array(z.strictObject({ name: z.string(), until: pattern })).min(1),
  /** Updates that a run can apply, by name. */
  updates: z.record(
    z.string(),
    z.strictObject({
      description: z.string(),
      /** Shell command, run by the user in the guest; a reboot then puts the update into effect. */
      apply: z.string(),
      /** What `uname -r` must print afterwards. */
      kernelAfter: z.string(),
    }),
  ),
});

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
 * Reads the recipe of a guest.
 *
 * @throws {RecipeError} if there is no such guest, or its recipe breaks the schema
 */
export async function readRecipe(guest: string): Promise<Recipe> {
  const guests = await listGuests();
  if (!guests.includes(guest)) {
    throw new RecipeError(`there is no guest "${guest}"; there are: ${guests.join(", ")}`);
  }
  const text = await readFile(new URL(`${guest}/recipe.json`, imagesFolder), "utf8");
  return parseRecipe(guest, text);
}

/**
 * Parses the text of a recipe.
 *
 * @throws {RecipeError} if it is not JSON, or breaks the schema
 */
export function parseRecipe(guest: string, text: string): Recipe {
  try {
    return recipeSchema.parse(JSON.parse(text));
  } catch (cause) {
    const problem = cause instanceof z.ZodError ? z.prettifyError(cause) : String(cause);
    throw new RecipeError(`images/${guest}/recipe.json is not a recipe: ${problem}`, { cause });
  }
}
