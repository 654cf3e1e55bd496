import { gzipSync } from "fflate";
import { stubProgram } from "../guest/stub.js";
import { cpioArchive } from "./cpio.js";
import { mergedUsr } from "./debian-package.js";
import { type FileTree, mergeTrees, plainFile, program, type TreeFile } from "./file-tree.js";
import { ingredient, type Ingredients, wholePackages } from "./ingredients.js";
import { inLoadOrder, type KernelModule } from "./kernel-modules.js";
import type { Recipe } from "./recipe.js";

const grubPackage = "grub-pc-bin";

/** Texts of the repository that a guest is made from. */
export interface GuestTexts {
  /** The guest's, its base's among them: `rootfs` with files of the root, and the script `configure`. */
  readonly guest: FileTree;
  /** `images/common`: what all guests share. */
  readonly common: FileTree;
}

/**
 * The root of a guest, but for what its script `configure` makes in it.
 *
 * @param below what a guest on a layer begins with: its layer, with the packages that it has more
 */
export function guestRoot(
  recipe: Recipe,
  ingredients: Ingredients,
  texts: GuestTexts,
  below: FileTree = new Map(),
): FileTree {
  const isLayered = recipe.layer !== undefined;
  const root = new Map(isLayered ? below : wholePackages(recipe, ingredients));
  for (const { package: name, path } of recipe.files) {
    root.set(path, program(ingredient(ingredients, name, path)));
  }
  for (const [path, file] of texts.guest) {
    if (path.startsWith("rootfs/")) root.set(path.slice("rootfs/".length), file);
  }
  for (const kernel of recipe.kernels) {
    const vmlinuz = `boot/vmlinuz-${kernel.release}`;
    root.set(vmlinuz, plainFile(ingredient(ingredients, kernel.package, vmlinuz)));
    const initramfs = mergeTrees(
      bootTools(recipe, ingredients, kernel.package),
      new Map([["init", script(texts.common, "initramfs-init")]]),
    );
    // Packed in TypeScript: what a system's zlib makes of the same bytes differs between computers.
    const initrd = gzipSync(cpioArchive(initramfs), { mtime: 0 });
    root.set(`boot/initrd.img-${kernel.release}`, plainFile(initrd));
    for (const { name, object } of modulesOf(recipe.modules, ingredients, kernel.package)) {
      root.set(`lib/modules/${kernel.release}/kernel/${name}.ko`, plainFile(object));
    }
  }
  root.set("sbin/stub", program(stubProgram()));
  root.set("boot/grub/grub.cfg", plainFile(grubConfig(recipe)));
  for (const [path, file] of grubModules(recipe, ingredients)) root.set(path, file);
  return isLayered ? mergedUsr(root) : root;
}

/** What the first process of a kernel of ours needs: busybox, and the modules that lead to the disks. */
export function bootTools(
  recipe: Pick<Recipe, "initramfsModules">,
  ingredients: Ingredients,
  kernelPackage: string,
): FileTree {
  const modules = modulesOf(recipe.initramfsModules, ingredients, kernelPackage);
  const order = modules.map(({ name }) => `${name}\n`).join("");
  return new Map<string, TreeFile>([
    ["bin/busybox", program(ingredient(ingredients, "busybox-static", "bin/busybox"))],
    ["modules/order", plainFile(order)],
    ...modules.map(({ name, object }) => [`modules/${name}.ko`, plainFile(object)] as const),
    // Where file systems are mounted.
    ...["dev", "proc", "root", "sys"].map(
      (path) => [path, { kind: "directory", mode: 0o755 }] as const,
    ),
  ]);
}

/** Modules of a kernel by their names, each after those that it needs. */
function modulesOf(
  wanted: readonly string[],
  ingredients: Ingredients,
  kernelPackage: string,
): KernelModule[] {
  const objects = new Map<string, Uint8Array>();
  for (const [path, file] of ingredients.get(kernelPackage) ?? []) {
    if (file.kind === "file" && path.endsWith(".ko")) objects.set(path, file.content);
  }
  return inLoadOrder(wanted, objects);
}

/**
 * A script of the repository.
 *
 * @throws {RangeError} if there is none of this name
 */
export function script(texts: FileTree, name: string): TreeFile {
  const file = texts.get(name);
  if (!file) throw new RangeError(`there is no script ${name} in images/`);
  return file;
}

/**
 * What GRUB loads for a menu that the guest's own GRUB makes, where grub-install would put it: modules of the same
 * version as the core that the builder writes, which need not be that of the guest's package.
 */
function grubModules({ packages }: Recipe, ingredients: Ingredients): FileTree {
  const modules = /^usr\/lib\/grub\/(i386-pc\/[^/]+\.(?:mod|lst))$/;
  const files = packages.includes(grubPackage) ? (ingredients.get(grubPackage) ?? []) : [];
  return new Map(
    [...files].flatMap(([path, file]) => {
      const name = modules.exec(path)?.[1];
      return name === undefined ? [] : [[`boot/grub/${name}`, file] as const];
    }),
  );
}

/**
 * GRUB's menu: on the serial line, without a wait, the first kernel until an update says otherwise. An
 * identifier must not start with a digit, else GRUB takes it for the number of an entry.
 */
function grubConfig(recipe: Recipe): string {
  const entries = recipe.kernels.map(
    ({ release }) => `
menuentry 'Linux ${release}' --id linux-${release} {
  linux /boot/vmlinuz-${release} ${recipe.commandLine}
  initrd /boot/initrd.img-${release}
}
`,
  );
  return `serial --unit=0 --speed=115200
terminal_input serial
terminal_output serial
set timeout=0
set default=linux-${recipe.kernels[0]?.release ?? ""}
${entries.join("")}`;
}
