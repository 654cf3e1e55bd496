import { loadGuest } from "../images/build.js";
import { openCache } from "../node/cache.js";
import { installedEmulator } from "../node/emulator.js";
import { pcParts } from "../node/start-machine.js";
import type { Figure } from "./figure.js";
import { inWorker } from "./in-worker.js";

/** What is measured in a thread of its own. */
export interface ForkPauseTask {
  /** What the guest prints when it has booted. */
  readonly booted: RegExp;
  readonly rounds: number;
}

/** What came out, a sample a round, in ms. */
export interface ForkPauseSamples {
  readonly captureMs: readonly number[];
  readonly saveStateMs: readonly number[];
}

const MEMORY_MEGABYTES = [64, 128, 256, 512];

/** How long a fork stops the original VM, against v86's own snapshot of the same machine at the same moment. */
export async function forkPause(
  progress: (step: string) => void,
  rounds: number,
): Promise<Figure[]> {
  const { wasm } = await installedEmulator();
  const cache = await openCache();
  const guest = await loadGuest("busybox", {
    cache,
    progress: ({ step }) => {
      progress(step);
    },
  });
  const booted = new RegExp(guest.recipe.login.prompt, "m");
  const figures: Figure[] = [];
  for (const megabytes of MEMORY_MEGABYTES) {
    progress(`fork pause at ${megabytes} MB`);
    const parts = {
      name: `${megabytes} MB`,
      memoryBytes: megabytes * 2 ** 20,
      bios: guest.bios,
      vgaBios: guest.vgaBios,
      boot: { from: "disk" } as const,
      disks: guest.disks,
      seed: 1,
      epochMs: Date.UTC(2026, 0, 1),
    };
    const task = { parts: pcParts(parts, wasm), booted, rounds };
    const samples = await inWorker<ForkPauseSamples>("fork-pause-worker", task);
    figures.push({
      name: `fork pause at ${megabytes} MB, against v86's save_state`,
      unit: "ms",
      ours: samples.captureMs,
      reference: samples.saveStateMs,
      ratio: { atMost: 0.25 },
      ...(megabytes === 128 && { atMost: 10 }),
    });
  }
  return figures;
}
