import { between, type Spell } from "../clock/spell.js";
import type { VirtualMs } from "../clock/virtual-time.js";
import type { HostConfig } from "./config.js";
import { idletime } from "./idletime.js";

/** How a machine has used the host's disk during a quantum. */
export interface DiskUse {
  /** Whether it is the reboot-dedicated VM. */
  readonly background: boolean;
  /** The spells in which it had requests, in host time. */
  readonly busy: readonly Spell[];
  /** When it had its last request, if it has none at the quantum's start; null if it has one. */
  readonly idleSince: VirtualMs | null;
}

/** What of the disk's time a machine gets in the next quantum, from 0 to 1. */
export interface DiskShare {
  readonly share: number;
  /** @see DiskUse.idleSince */
  readonly idleSince: VirtualMs | null;
}

/**
 * Shares the disk's time out among machines, by the host's policy and by what they did in the quantum
 * before: who used the disk counts as wanting it again. Who comes new gets what it would get if it had
 * been there, so for one quantum the shares may add up to more than the disk.
 */
export function diskShares(
  machines: readonly DiskUse[],
  host: HostConfig,
  quantum: Spell,
): DiskShare[] {
  const idleness = machines.map(({ busy, idleSince }) =>
    idletime(between(busy, quantum), quantum, idleSince, preemptionMs(host)),
  );
  const left = leftByForeground(machines, host, (index) => idleness[index]?.leftMs ?? 0, quantum);
  return machines.map((machine, index) => {
    const rivals = machines.filter(
      ({ background, busy }, other) =>
        other !== index &&
        busy.length > 0 &&
        (host.policy === "fair" || background === machine.background),
    );
    const whole = machine.background ? left : 1;
    return { share: whole / (rivals.length + 1), idleSince: idleness[index]?.since ?? null };
  });
}

function leftByForeground(
  machines: readonly DiskUse[],
  { policy }: HostConfig,
  leftMs: (index: number) => number,
  quantum: Spell,
): number {
  if (policy === "fair") return 1;
  const left = machines.flatMap(({ background }, index) => (background ? [] : [leftMs(index)]));
  const lengthMs = quantum.to - quantum.from;
  return left.length === 0 || lengthMs === 0 ? 1 : Math.min(...left) / lengthMs;
}

/** How long a resource must have been idle before the background gets it, in ms. */
export function preemptionMs({ policy, preemptionIntervalMs }: HostConfig): number {
  return policy === "idletime" ? preemptionIntervalMs : 0;
}
