import { openConsole } from "../machine/console.js";
import { startMachine } from "../node/start-machine.js";
import { writePages } from "../storage/pages.js";
import { cpioArchive } from "./cpio.js";
import { mergeTrees, under } from "./file-tree.js";
import { bootTools, guestRoot, type GuestTexts, script } from "./guest-root.js";
import { builderTools, type Firmware, ingredient, type Ingredients } from "./ingredients.js";
import { bootSector, SECTOR_BYTES } from "./mbr.js";
import type { BuildOptions } from "./progress.js";
import type { Recipe } from "./recipe.js";
import { sha256 } from "./sha256.js";

/** The machine that builds a guest's disks could not do it. */
export class BuilderError extends Error {
  override readonly name = "BuilderError";
}

/** As much as the root of a small guest takes; no byte of the disks depends on it. */
const leastMemoryBytes = 256 << 20;

/** Virtual time for one step of the build; each takes a tenth of that. */
const stepLimitMs = 120_000;

/** What the building machine's clock shows at first; no byte of the disks depends on it. */
const epochMs = Date.UTC(2026, 6, 11);

/**
 * Builds the disks of a guest in a machine of ours, which makes their file systems with Debian's own
 * programs. The same ingredients and texts give the same disks on every computer.
 *
 * @returns the images by the names of the disks
 * @throws {BuilderError} if the machine reports a failure
 * @throws {WaitExpired} if it stops getting on; the message has the end of its console
 * @throws {MachineDied} if the emulator gives up
 */
export async function buildDisks(
  guest: string,
  recipe: Recipe,
  ingredients: Ingredients,
  texts: GuestTexts,
  firmware: Firmware,
  { progress, signal }: Pick<BuildOptions, "progress" | "signal">,
): Promise<ReadonlyMap<string, Uint8Array>> {
  const blank = blankDisks(recipe, ingredients);
  const system = builderSystem(recipe, ingredients, texts);
  const machine = await startMachine({
    name: `builder of ${guest}`,
    memoryBytes: builderMemory(system.initrd.length),
    ...firmware,
    boot: { from: "kernel", ...system },
    disks: [...blank].map(([name, base]) => ({ name, base, sha256: sha256(base) })),
    seed: 1,
    epochMs,
  });
  try {
    const console = openConsole(machine, 0, (until) => {
      signal?.throwIfAborted();
      return machine.run({ until });
    });
    const told = /STEP (\d+) of (\d+): (.*)\n|FAILED (.*)\n|BUILT\n|Kernel panic(.*)\n/;
    let what = "its first step";
    for (;;) {
      const { match } = await console.expect(told, { withinMs: stepLimitMs, what });
      const [, step, steps, title, failure, panic] = match;
      if (failure !== undefined || panic !== undefined) {
        throw new BuilderError(
          `the machine that builds the guest ${guest} failed: ${failure ?? `kernel panic${panic ?? ""}`}`,
        );
      }
      if (step === undefined) break;
      progress({ step: "build", done: Number(step) - 1, total: Number(steps), unit: "steps" });
      what = `the end of the step "${title ?? ""}"`;
    }
    const images = new Map<string, Uint8Array>();
    for (const [index, [name, base]] of [...blank].entries()) {
      const image = base.slice();
      writePages(image, await machine.diskOverlay(index));
      images.set(name, image);
    }
    return images;
  } finally {
    await machine.dispose();
  }
}

/** The disks as the building machine gets them: the system disk has its partition table. */
function blankDisks(recipe: Recipe, ingredients: Ingredients): Map<string, Uint8Array> {
  const { system, home } = recipe.disks;
  const systemDisk = new Uint8Array(system.megabytes << 20);
  const bootCode = ingredient(ingredients, "grub-pc-bin", "usr/lib/grub/i386-pc/boot.img");
  systemDisk.set(bootSector(bootCode.subarray(0, SECTOR_BYTES), systemDisk.length));
  return new Map([
    ["system", systemDisk],
    ["home", new Uint8Array(home.megabytes << 20)],
  ]);
}

/**
 * Memory for the building machine, in bytes. The kernel unpacks the initrd, which starts at 64 MiB, into a
 * file system that may take half of the memory; the initrd stays until all of it is unpacked.
 */
export function builderMemory(initrdBytes: number): number {
  const step = 64 << 20;
  return Math.max(leastMemoryBytes, step + Math.ceil((3 * initrdBytes) / step) * step);
}

/** A Linux whose only process is the builder. */
function builderSystem(recipe: Recipe, ingredients: Ingredients, texts: GuestTexts) {
  const kernel = recipe.kernels.at(-1);
  if (!kernel) throw new RangeError("a recipe has a kernel at least");
  const initramfs = mergeTrees(
    bootTools(recipe, ingredients, kernel.package),
    builderTools(ingredients),
    under("target", guestRoot(recipe, ingredients, texts)),
    new Map([
      ["init", script(texts.common, "builder-init")],
      ["configure", script(texts.guest, "configure")],
    ]),
  );
  return {
    kernel: ingredient(ingredients, kernel.package, `boot/vmlinuz-${kernel.release}`),
    initrd: cpioArchive(initramfs),
    commandLine: recipe.commandLine,
  };
}
