import { describe, expect, test } from "vitest";
import { plainFile, program, type TreeFile } from "../../src/images/file-tree.js";
import { readGuestTexts } from "../../src/images/guest-files.js";
import { guestRoot } from "../../src/images/guest-root.js";
import {
  builderTools,
  type Ingredients,
  packagesOf,
  unpackIngredients,
  wholePackages,
} from "../../src/images/ingredients.js";
import { parseRecipe, readRecipe, type Recipe } from "../../src/images/recipe.js";
import { debOf } from "./package-fixture.js";

/** The recipe of busybox, without its kernels' modules, with more packages. */
async function recipeWith(packages: readonly string[]): Promise<Recipe> {
  const { kernels, ...rest } = await readRecipe("busybox");
  const recipe = { ...rest, kernels: kernels.slice(0, 1), initramfsModules: [], packages };
  return parseRecipe("images/busybox/recipe.json", JSON.stringify(recipe));
}

/** What a root cannot do without, and the files of more packages. */
function ingredientsWith(packages: Record<string, Record<string, TreeFile>>): Ingredients {
  const all = {
    "busybox-static": { "bin/busybox": program("busybox") },
    "linux-image-6.1.0-47-686": { "boot/vmlinuz-6.1.0-47-686": plainFile("kernel") },
    ...packages,
  };
  return new Map(
    Object.entries(all).map(([name, files]) => [name, new Map(Object.entries(files))]),
  );
}

const texts = (files: Record<string, string>) => {
  const tree = (entries: [string, string][]) =>
    new Map(entries.map(([path, text]) => [path, plainFile(text)]));
  return { guest: tree(Object.entries(files)), common: tree([["initramfs-init", ""]]) };
};

describe("whole packages of a guest", () => {
  test("are in its root with modes and links, below the files of the repository", async () => {
    const root = guestRoot(
      await recipeWith(["tool", "library"]),
      ingredientsWith({
        tool: {
          "usr/bin/tool": { kind: "file", mode: 0o4755, content: Buffer.from("tool") },
          "etc/tool.conf": plainFile("as shipped"),
        },
        library: { "usr/lib/a.so": { kind: "symlink", target: "../../lib/a.so.1" } },
      }),
      texts({ "rootfs/etc/tool.conf": "ours" }),
    );
    expect(root.get("usr/bin/tool")).toMatchObject({ kind: "file", mode: 0o4755 });
    expect(root.get("usr/lib/a.so")).toEqual({ kind: "symlink", target: "../../lib/a.so.1" });
    expect(root.get("etc/tool.conf")).toEqual(plainFile("ours"));
  });

  test("come without documentation, and leave the builder's own tools as they are", async () => {
    const recipe = await recipeWith(["libc6"]);
    const empty = await debOf([]);
    const libc = await debOf([
      { name: "./lib/i386-linux-gnu/libc.so.6", content: "libc" },
      { name: "./lib/i386-linux-gnu/libnss_files.so.2", content: "names" },
      { name: "./usr/share/doc/libc6/copyright", content: "text" },
      { name: "./usr/share/man/man5/x.5", content: "text" },
      { name: "./usr/share/documents", content: "no documentation" },
    ]);
    const debs = new Map(packagesOf(recipe).map((name) => [name, empty]));
    const ingredients = await unpackIngredients(recipe, debs.set("libc6", libc), {
      progress: () => undefined,
    });
    expect([...wholePackages(recipe, ingredients).keys()]).toEqual([
      "lib/i386-linux-gnu/libc.so.6",
      "lib/i386-linux-gnu/libnss_files.so.2",
      "usr/share/documents",
    ]);
    expect([...builderTools(ingredients).keys()]).toEqual(["lib/i386-linux-gnu/libc.so.6"]);
  });
});

describe("a guest with a base", () => {
  test("has the base's files below its own, and runs the base's script before its own", async () => {
    const { guest } = await readGuestTexts("workbench");
    const base = (await readGuestTexts("busybox")).guest;
    const attendant = "rootfs/sbin/attendant";
    expect(guest.get(attendant)).toEqual(base.get(attendant));
    expect(guest.get("rootfs/etc/passwd")).not.toEqual(base.get("rootfs/etc/passwd"));
    const script = textOf(guest.get("configure"));
    expect(script.startsWith(textOf(base.get("configure")))).toBe(true);
    expect(script).toContain("tcc -o");
  });
});

function textOf(file: TreeFile | undefined): string {
  return file?.kind === "file" ? new TextDecoder().decode(file.content) : "";
}
