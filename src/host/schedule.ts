import type { HostConfig } from "./config.js";

/**
 * A machine as the scheduler sees it during one quantum. `run` lets it run until the quantum's end or
 * until it has used `budgetMs` of processor time, and resolves to the time that it used.
 */
export interface Runnable {
  /** Whether it is the reboot-dedicated VM, which `background-idle` puts behind the others. */
  readonly background: boolean;
  run(budgetMs: number): Promise<number>;
}

/**
 * Shares one quantum out among machines, by the host's policy.
 *
 * @param quantumMs length of the quantum, in ms
 */
export async function runQuantum(
  machines: readonly Runnable[],
  host: HostConfig,
  quantumMs: number,
): Promise<void> {
  if (host.policy === "fair") {
    await shareFairly(machines, host.cores, quantumMs);
    return;
  }
  const foreground = machines.filter(({ background }) => !background);
  const used = await shareFairly(foreground, host.cores, quantumMs);
  const idle = Math.max(0, quantumMs - Math.max(0, ...used));
  await shareFairly(
    machines.filter(({ background }) => background),
    host.cores,
    foreground.length === 0 ? quantumMs : idle,
  );
}

/** Lets every machine run for an equal share, then gives what was left over to those that want more. */
async function shareFairly(
  machines: readonly Runnable[],
  cores: number,
  quantumMs: number,
): Promise<number[]> {
  if (machines.length === 0) return [];
  const share = Math.min(quantumMs, (quantumMs * cores) / machines.length);
  const used = await Promise.all(machines.map((machine) => machine.run(share)));
  if (share === quantumMs) return used;

  let left = quantumMs * cores - used.reduce((sum, each) => sum + each, 0);
  for (const [index, machine] of machines.entries()) {
    const soFar = used[index] ?? 0;
    const more = Math.min(left, quantumMs - soFar);
    if (soFar < share || more <= 0) continue;
    const extra = await machine.run(more);
    used[index] = soFar + extra;
    left -= extra;
  }
  return used;
}
