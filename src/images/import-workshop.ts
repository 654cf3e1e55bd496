import { readFile } from "node:fs/promises";
import { type Console, openConsole } from "../machine/console.js";
import type { Machine } from "../machine/machine.js";
import { startMachine } from "../node/start-machine.js";
import { runCommand } from "../reboot/vm.js";
import { builderMemory } from "./builder-machine.js";
import { cpioArchive } from "./cpio.js";
import { type FileTree, mergeTrees, program, under } from "./file-tree.js";
import { bootTools } from "./guest-root.js";
import type { DiskImage } from "./guest-store.js";
import { ImportError } from "./import-error.js";
import { builderTools, firmwareOf, ingredient, type Ingredients } from "./ingredients.js";
import { imagesFolder } from "./packages.js";
import type { Recipe } from "./recipe.js";

/** A machine that looks into disks and works on them. Whoever opens it disposes of it. */
export interface Workshop {
  /**
   * Runs a shell command of one line. Resolves to what it printed.
   *
   * @throws {ImportError} with `what` and what the command said, if it does not end with status 0
   */
  run(command: string, what: string): Promise<string>;
  /** Whether a shell command ends with status 0. */
  test(command: string): Promise<boolean>;
  /** What has been written to the first disk. */
  written(): ReturnType<Machine["diskOverlay"]>;
  dispose(): Promise<void>;
}

/** What a workshop is made of. */
export interface WorkshopParts {
  /** A guest of ours, whose kernel and modules the workshop runs, and its unpacked packages. */
  readonly recipe: Recipe;
  readonly ingredients: Ingredients;
  /** At most two. */
  readonly disks: readonly DiskImage[];
  /** Files that lie in `/import`. */
  readonly files: FileTree;
  readonly signal: AbortSignal | undefined;
}

/** Unpacking a large system takes long. */
const COMMAND_LIMIT_MS = 1_800_000;
const BOOT_LIMIT_MS = 120_000;

/** Any time: it ends up as the time of files that the workshop changes. */
const EPOCH_MS = Date.UTC(2026, 6, 11);

/** Boots the workshop. */
export async function openWorkshop(parts: WorkshopParts): Promise<Workshop> {
  const { recipe, ingredients, disks, signal } = parts;
  const kernel = recipe.kernels.at(-1);
  if (kernel === undefined) throw new RangeError("a recipe has a kernel at least");
  const initrd = cpioArchive(await initramfs(parts, kernel.package));
  const machine = await startMachine({
    name: "workshop of the import",
    memoryBytes: builderMemory(initrd.length),
    ...firmwareOf(ingredients),
    boot: {
      from: "kernel",
      kernel: ingredient(ingredients, kernel.package, `boot/vmlinuz-${kernel.release}`),
      initrd,
      commandLine: recipe.commandLine,
    },
    disks,
    seed: 1,
    epochMs: EPOCH_MS,
  });
  const console = openConsole(machine, 0, (until) => {
    signal?.throwIfAborted();
    return machine.run({ until });
  });
  const dispose = () => machine.dispose();
  try {
    await console.expect(/^WORKSHOP\n/m, { withinMs: BOOT_LIMIT_MS, what: "the workshop's boot" });
  } catch (error) {
    await dispose();
    throw error;
  }
  return { ...commandsOf(machine, console), written: () => machine.diskOverlay(0), dispose };
}

async function initramfs(
  { recipe, ingredients, files }: WorkshopParts,
  kernelPackage: string,
): Promise<FileTree> {
  return mergeTrees(
    bootTools(recipe, ingredients, kernelPackage),
    builderTools(ingredients),
    under("import", files),
    new Map([["init", program(await importText("init"))]]),
  );
}

function commandsOf(machine: Machine, console: Console): Pick<Workshop, "run" | "test"> {
  const typed = (command: string) => runCommand({ machine, console }, command, COMMAND_LIMIT_MS);
  return {
    async run(command, what) {
      const { status, output } = await typed(`{ ${command}; } 2>&1`);
      if (status !== 0) throw new ImportError(`${what}: ${output.trim().slice(-600)}`);
      return output;
    },
    test: async (command) => (await typed(`{ ${command}; } >/dev/null 2>&1`)).status === 0,
  };
}

/** A file of `images/import`. */
export function importText(name: string): Promise<string> {
  return readFile(new URL(`import/${name}`, imagesFolder), "utf8");
}
