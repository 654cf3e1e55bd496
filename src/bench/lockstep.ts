import { virtualMs } from "../clock/virtual-time.js";
import { DEFAULT_HOST } from "../host/config.js";
import { createHost } from "../host/host.js";
import type { Machine } from "../machine/machine.js";
import { startMachine } from "../node/start-machine.js";
import type { Figure } from "./figure.js";
import { kernelGuest } from "./kernel-guest.js";

const QUANTA_MS = [10, 1];

/** How long the machines run from the moment at which they are switched on: firmware and kernel. */
const END = virtualMs(3000);

/** How long two machines in lockstep take to boot, against two that run free. */
export async function lockstep(
  progress: (step: string) => void,
  rounds: number,
): Promise<Figure[]> {
  const guest = await kernelGuest();

  async function bootTwo(run: (machines: readonly Machine[]) => Promise<unknown>): Promise<number> {
    const names = ["one", "two"];
    const memoryBytes = 128 * 2 ** 20;
    const machines = await Promise.all(
      names.map((name) => startMachine({ name, memoryBytes, ...guest })),
    );
    const start = performance.now();
    await run(machines);
    const tookS = (performance.now() - start) / 1000;
    await Promise.all(machines.map((machine) => machine.dispose()));
    return tookS;
  }

  const runFree = (machines: readonly Machine[]) =>
    Promise.all(machines.map((machine) => machine.run({ until: END })));

  function runInLockstep(machines: readonly Machine[], quantumMs: number): Promise<void> {
    const host = createHost({ ...DEFAULT_HOST, cores: 2, quantumMs });
    for (const machine of machines) host.add({ machine, background: false });
    return host.advanceTo(END);
  }

  const free: number[] = [];
  const locked = QUANTA_MS.map((quantumMs) => ({ quantumMs, samples: [] as number[] }));
  for (let round = 0; round < rounds; round++) {
    progress(`two machines in lockstep, ${round + 1} of ${rounds}`);
    free.push(await bootTwo(runFree));
    for (const { quantumMs, samples } of locked) {
      samples.push(await bootTwo((machines) => runInLockstep(machines, quantumMs)));
    }
  }
  return locked.map(({ quantumMs, samples }) => ({
    name: `two machines in lockstep by ${quantumMs} ms, against two that run free`,
    unit: "s",
    ours: samples,
    reference: free,
    ratio: { atMost: 1.05 },
  }));
}
