import type { PcParts } from "../machine/pc.js";
import { installedEmulator } from "../node/emulator.js";
import { pcParts } from "../node/start-machine.js";
import type { Figure } from "./figure.js";
import { inWorker } from "./in-worker.js";
import { kernelGuest, READY } from "./kernel-guest.js";

/** What is measured in a thread of its own. */
export interface SpeedTask {
  /** A machine that boots from a kernel. */
  readonly parts: PcParts;
  /** What the guest prints at the end. */
  readonly printed: RegExp;
  /** Whether v86 runs as it comes. */
  readonly bare: boolean;
}

/** How fast a machine boots on our clock, against v86 on the wall clock. */
export async function speed(progress: (step: string) => void, rounds: number): Promise<Figure[]> {
  const { wasm } = await installedEmulator();
  const parts = pcParts(
    { name: "speed", memoryBytes: 128 * 2 ** 20, ...(await kernelGuest()) },
    wasm,
  );
  const ours: number[] = [];
  const reference: number[] = [];
  for (let round = 0; round < rounds; round++) {
    progress(`speed over a boot, ${round + 1} of ${rounds}`);
    for (const bare of [false, true]) {
      const task: SpeedTask = { parts, printed: READY, bare };
      (bare ? reference : ours).push(await inWorker<number>("speed-worker", task));
    }
  }
  const name = "speed over a boot, against v86 as it comes";
  return [{ name, unit: "million instructions/s", ours, reference, ratio: { atLeast: 0.97 } }];
}
