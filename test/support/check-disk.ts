import { cpioArchive } from "../../src/images/cpio.js";
import { type FileTree, mergeTrees, program } from "../../src/images/file-tree.js";
import { bootTools } from "../../src/images/guest-root.js";
import {
  builderTools,
  firmwareOf,
  ingredient,
  packagesOf,
  unpackIngredients,
} from "../../src/images/ingredients.js";
import { pinOf, readPins } from "../../src/images/packages.js";
import { readRecipe } from "../../src/images/recipe.js";
import { sha256 } from "../../src/images/sha256.js";
import { cachedDeb } from "../../src/images/supply.js";
import { openConsole } from "../../src/machine/console.js";
import { openCache } from "../../src/node/cache.js";
import { startMachine } from "../../src/node/start-machine.js";

const CHECKER = { package: "e2fsprogs", path: "sbin/e2fsck" };
const CHECK_MS = 600_000;

const INIT = `#!/bin/busybox sh
/bin/busybox mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
exec </dev/console >/dev/console 2>&1
while read -r module; do insmod "/modules/$module.ko"; done </modules/order
until [ -b /dev/sda1 ]; do usleep 10000; done
echo CHECKING
/sbin/e2fsck -fn /dev/sda1
echo "CHECKED $?"
while :; do sleep 1000; done
`;

/**
 * Has Debian's e2fsck look at the file system in the first partition of a disk, in a machine of its own that
 * changes nothing.
 *
 * @returns the status that it ended with, 0 if all is well, and what it printed
 */
export async function checkDisk(
  image: Uint8Array,
): Promise<{ readonly status: number; readonly output: string }> {
  const busybox = await readRecipe("busybox");
  const kernel = busybox.kernels[0];
  if (kernel === undefined) throw new RangeError("a recipe has a kernel at least");
  const recipe = { ...busybox, kernels: [kernel], files: [...busybox.files, CHECKER] };
  const [cache, pins] = [await openCache(), await readPins()];
  const debs = new Map<string, Uint8Array>();
  for (const name of packagesOf(recipe)) {
    debs.set(name, (await cachedDeb(pinOf(pins, name), cache)) ?? new Uint8Array());
  }
  const ingredients = await unpackIngredients(recipe, debs, { progress: () => undefined });
  const own: FileTree = new Map([
    [CHECKER.path, program(ingredient(ingredients, CHECKER.package, CHECKER.path))],
    ["init", program(new TextEncoder().encode(INIT))],
  ]);
  const tools = mergeTrees(
    bootTools(recipe, ingredients, kernel.package),
    builderTools(ingredients),
    own,
  );
  const machine = await startMachine({
    name: "disk check",
    memoryBytes: 256 << 20,
    ...firmwareOf(ingredients),
    boot: {
      from: "kernel",
      kernel: ingredient(ingredients, kernel.package, `boot/vmlinuz-${kernel.release}`),
      initrd: cpioArchive(tools),
      commandLine: recipe.commandLine,
    },
    disks: [{ name: "system", base: image, sha256: sha256(image) }],
    seed: 1,
    epochMs: Date.UTC(2026, 6, 11),
  });
  try {
    const console = openConsole(machine, 0);
    const wait = { withinMs: CHECK_MS, what: "the check of the disk" };
    const { match } = await console.expect(/CHECKING\n([^]*)CHECKED (\d+)\n/, wait);
    return { status: Number(match[2]), output: match[1] ?? "" };
  } finally {
    await machine.dispose();
  }
}
