import { NS_PER_MS, virtualMs } from "../clock/virtual-time.js";
import type { HostConfig } from "./config.js";

/**
 * A machine as the scheduler sees it during one quantum. `run` lets it run until the quantum's end or
 * until it has used `budgetMs` of processor time, and resolves to the time that it used: to the whole
 * budget if it would run on. It may be called several times in a quantum.
 */
export interface Runnable {
  /** Whether it is the reboot-dedicated VM, which all policies but `fair` put behind the others. */
  readonly background: boolean;
  run(budgetMs: number): Promise<number>;
  /**
   * How much of the quantum, in which it has run as far as it would, it leaves to the background: its
   * idleness after the preemption interval, in ms.
   */
  leftMs(): number;
}

/** What rounding leaves over is not worth a turn of a machine. */
const LEAST_SHARE_MS = 0.001;

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
  const left = virtualMs(
    host.policy === "idletime"
      ? Math.min(idle, ...foreground.map((machine) => machine.leftMs()))
      : idle,
  );
  await shareFairly(
    machines.filter(({ background }) => background),
    host.cores,
    foreground.length === 0 ? quantumMs : left,
  );
}

/**
 * Gives every machine an equal share, and what one leaves over to those that want more, in equal shares
 * again, until nothing is left or nobody wants it.
 *
 * @returns the time that each machine used
 */
async function shareFairly(
  machines: readonly Runnable[],
  cores: number,
  quantumMs: number,
): Promise<number[]> {
  const claims = machines.map((machine) => ({ machine, used: 0 }));
  let hungry = claims;
  let left = quantumMs * cores;
  while (hungry.length > 0) {
    const share = wholeNs(left / hungry.length);
    if (share < LEAST_SHARE_MS) break;
    const satisfied = await allEnded(
      hungry.map(async (claim) => {
        const budget = Math.min(share, virtualMs(quantumMs - claim.used));
        const used = await claim.machine.run(budget);
        claim.used = virtualMs(claim.used + used);
        return used < budget || claim.used >= quantumMs;
      }),
    );
    hungry = hungry.filter((_, index) => satisfied[index] === false);
    left = virtualMs(quantumMs * cores - claims.reduce((sum, { used }) => sum + used, 0));
  }
  return claims.map(({ used }) => used);
}

/** Rounded down to the grid of virtual time, so that no more is given away than there is. */
function wholeNs(ms: number): number {
  return virtualMs(Math.floor(ms * NS_PER_MS) / NS_PER_MS);
}

/** As `Promise.all`, but if one machine dies, the others have ended their turn as well when that is told. */
async function allEnded<T>(promises: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(promises);
  return Promise.all(promises);
}
