import { openConsole } from "../machine/console.js";
import type { LinuxImage } from "../machine/linux-boot.js";
import { startMachine } from "../node/start-machine.js";
import { writePages } from "../storage/pages.js";
import type { Firmware } from "./ingredients.js";
import type { BuildOptions } from "./progress.js";
import { sha256 } from "./sha256.js";

/** The machine that builds a guest's disks could not do it. */
export class BuilderError extends Error {
  override readonly name = "BuilderError";
}

/** As much as the root of a small guest takes; no byte of the disks depends on it. */
const leastMemoryBytes = 256 << 20;

/** Virtual time for one step of the build; most take a hundredth of that. */
const stepLimitMs = 600_000;

/** What the building machine's clock shows at first; no byte of the disks depends on it. */
const epochMs = Date.UTC(2026, 6, 11);

/** What a machine is to build. */
export interface BuilderTask {
  /** What is built, for messages: `guest busybox`. */
  readonly what: string;
  /** A Linux whose first process tells of its steps, and prints BUILT or FAILED at the end. */
  readonly system: LinuxImage;
  /** The disks as the machine finds them, by their names; they are left as they are. */
  readonly disks: ReadonlyMap<string, Uint8Array>;
  readonly firmware: Firmware;
}

/**
 * Lets a machine of ours write disks. The same task gives the same disks on every computer.
 *
 * @returns the images by the names of the disks
 * @throws {BuilderError} if the machine reports a failure
 * @throws {WaitExpired} if it stops getting on; the message has the end of its console
 * @throws {MachineDied} if the emulator gives up
 */
export async function runBuilder(
  { what, system, disks, firmware }: BuilderTask,
  { progress, signal }: Pick<BuildOptions, "progress" | "signal">,
): Promise<ReadonlyMap<string, Uint8Array>> {
  const machine = await startMachine({
    name: `builder of ${what}`,
    memoryBytes: builderMemory(system.initrd.length),
    ...firmware,
    boot: { from: "kernel", ...system },
    disks: [...disks].map(([name, base]) => ({ name, base, sha256: sha256(base) })),
    seed: 1,
    epochMs,
  });
  try {
    const console = openConsole(machine, 0, (until) => {
      signal?.throwIfAborted();
      return machine.run({ until });
    });
    const told = /STEP (\d+) of (\d+): (.*)\n|FAILED (.*)\n|BUILT\n|Kernel panic(.*)\n/;
    let next = "its first step";
    for (;;) {
      const { match } = await console.expect(told, { withinMs: stepLimitMs, what: next });
      const [, step, steps, title, failure, panic] = match;
      if (failure !== undefined || panic !== undefined) {
        throw new BuilderError(
          `the machine that builds the ${what} failed: ${failure ?? `kernel panic${panic ?? ""}`}`,
        );
      }
      if (step === undefined) break;
      progress({ step: "build", done: Number(step) - 1, total: Number(steps), unit: "steps" });
      next = `the end of the step "${title ?? ""}"`;
    }
    const images = new Map<string, Uint8Array>();
    for (const [index, [name, base]] of [...disks].entries()) {
      const image = base.slice();
      writePages(image, await machine.diskOverlay(index));
      images.set(name, image);
    }
    return images;
  } finally {
    await machine.dispose();
  }
}

/**
 * Memory for the building machine, in bytes. The kernel unpacks the initrd, which starts at 64 MiB, into a
 * file system that may take half of the memory; the initrd stays until all of it is unpacked.
 */
export function builderMemory(initrdBytes: number): number {
  const step = 64 << 20;
  return Math.max(leastMemoryBytes, step + Math.ceil((3 * initrdBytes) / step) * step);
}
