import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { packagesOf } from "../../src/images/ingredients.js";
import { imagesFolder, pinOf, readPins } from "../../src/images/packages.js";
import { listGuests, parseRecipe, readRecipe } from "../../src/images/recipe.js";
import { composeUpdate } from "../../src/images/updates.js";

describe("the guests of this repository", () => {
  test("are found, and have recipes whose packages are pinned", async () => {
    const guests = await listGuests();
    expect(guests).toContain("busybox");
    const pins = await readPins();
    for (const guest of guests) {
      for (const name of packagesOf(await readRecipe(guest))) {
        expect(pinOf(pins, name).name).toBe(name);
      }
    }
  });

  test("go by an update of their kernel to another one than that which they start with", async () => {
    for (const guest of await listGuests()) {
      const { kernels, updates } = await readRecipe(guest);
      const { kernelAfter } = composeUpdate(guest, updates, "kernel");
      expect(kernelAfter).toMatch(/^\d+\.\d+\./);
      expect(kernelAfter).not.toBe(kernels[0]?.release);
    }
  });

  test("have the updates of their base, and their own, which count where both have one of a name", async () => {
    const [base, own] = [await readRecipe("systemd"), await readRecipe("debian11")];
    expect(own.updates.config).toEqual(base.updates.config);
    expect(own.updates.kernel).not.toEqual(base.updates.kernel);
    expect(Object.keys(own.updates)).toContain("release");
    expect(Object.keys(base.updates)).not.toContain("release");
  });

  test("are named where there is none of that name", async () => {
    await expect(readRecipe("buysbox")).rejects.toThrow(/no guest "buysbox"; there are: .*busybox/);
  });

  test("cannot be left by a name that is a path", async () => {
    await expect(readRecipe("../images/busybox")).rejects.toThrow(/no guest/);
  });
});

test("a package that is not pinned is named", () => {
  expect(() => pinOf([], "gcc")).toThrow(/gcc is not pinned in images\/packages.json/);
});

describe("a recipe", () => {
  const edited = async (edit: (recipe: Record<string, unknown>) => void) => {
    const text = await readFile(new URL("busybox/recipe.json", imagesFolder), "utf8");
    const recipe = JSON.parse(text) as Record<string, unknown>;
    edit(recipe);
    return () => parseRecipe("images/busybox/recipe.json", JSON.stringify(recipe));
  };

  test.each([
    ["without memory", (recipe) => delete recipe.memoryMegabytes, /memoryMegabytes/],
    ["with a word that no recipe has", (recipe) => (recipe.memory = 1), /memory/],
    [
      "with a broken pattern",
      (recipe) => (recipe.bootPhases = [{ name: "x", until: "(" }]),
      /until/,
    ],
    ["without a kernel", (recipe) => (recipe.kernels = []), /kernels/],
    [
      "without a layer, and with packages for its dpkg",
      (recipe) => (recipe.archives = ["openssl"]),
      /only a guest on a layer has a dpkg/,
    ],
  ] satisfies [string, (recipe: Record<string, unknown>) => unknown, RegExp][])(
    "%s is refused with the place of the fault",
    async (_, edit, message) => {
      const parse = await edited(edit);
      expect(parse).toThrow(/images\/busybox\/recipe.json is not a recipe/);
      expect(parse).toThrow(message);
    },
  );

  test("that is no JSON is refused", () => {
    expect(() => parseRecipe("images/busybox/recipe.json", "{")).toThrow(
      /is not a recipe: SyntaxError/,
    );
  });
});
