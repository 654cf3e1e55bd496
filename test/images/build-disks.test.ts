import fc from "fast-check";
import { beforeAll, expect, test } from "vitest";
import { buildDisks } from "../../src/images/build-disks.js";
import { builderMemory } from "../../src/images/builder-machine.js";
import { plainFile } from "../../src/images/file-tree.js";
import { readTexts } from "../../src/images/guest-files.js";
import type { GuestTexts } from "../../src/images/guest-root.js";
import {
  firmwareOf,
  type Ingredients,
  packagesOf,
  unpackIngredients,
} from "../../src/images/ingredients.js";
import { imagesFolder, pinOf, readPins } from "../../src/images/packages.js";
import type { BuildProgress } from "../../src/images/progress.js";
import { readRecipe, type Recipe } from "../../src/images/recipe.js";
import { cachedDeb } from "../../src/images/supply.js";
import { openCache } from "../../src/node/cache.js";

let recipe: Recipe;
let ingredients: Ingredients;
let texts: GuestTexts;

beforeAll(async () => {
  const busybox = await readRecipe("busybox");
  // One kernel is enough to fail with, and takes half the time.
  recipe = { ...busybox, kernels: busybox.kernels.slice(1) };
  const [cache, pins] = [await openCache(), await readPins()];
  const debs = new Map<string, Uint8Array>();
  for (const name of packagesOf(recipe)) {
    debs.set(name, (await cachedDeb(pinOf(pins, name), cache)) ?? new Uint8Array());
  }
  ingredients = await unpackIngredients(recipe, debs, { progress: () => undefined });
  texts = {
    guest: await readTexts(new URL("busybox/", imagesFolder)),
    common: await readTexts(new URL("common/", imagesFolder)),
  };
});

const build = (
  guest: GuestTexts["guest"],
  progress: (progress: BuildProgress) => void = () => undefined,
  signal?: AbortSignal,
) => {
  const changed = { ...texts, guest };
  const firmware = firmwareOf(ingredients);
  return buildDisks("busybox", recipe, ingredients, changed, firmware, { progress, signal });
};

test("a script of the guest that fails ends the build with what it said", async () => {
  const guest = new Map(texts.guest).set("configure", plainFile("echo no such luck >&2\nexit 1\n"));
  const steps: number[] = [];
  await expect(build(guest, ({ done }) => steps.push(done))).rejects.toMatchObject({
    name: "BuilderError",
    message: expect.stringMatching(/guest busybox failed: chroot .*: no such luck/) as string,
  });
  expect(steps).toEqual([0, 1]);
});

test("a build that is stopped ends with the reason of whoever stopped it", async () => {
  const reason = new Error("the user has had enough");
  await expect(build(texts.guest, undefined, AbortSignal.abort(reason))).rejects.toBe(reason);
});

test("the building machine has room for the packed root, and for the unpacked one in half of its memory", () => {
  fc.assert(
    fc.property(fc.nat(300 << 20), (packed) => {
      const memory = builderMemory(packed);
      const unpacked = packed * 1.1;
      expect(memory).toBeGreaterThanOrEqual((64 << 20) + packed + unpacked);
      expect(memory / 2).toBeGreaterThanOrEqual(unpacked);
      expect(memory % (1 << 20)).toBe(0);
    }),
  );
});
