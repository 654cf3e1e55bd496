import { after, type VirtualMs, virtualMs } from "../clock/virtual-time.js";
import type { Host } from "../host/host.js";
import type { ProbeAnswer } from "./report.js";
import type { Vm } from "./vm.js";

/** Milliseconds between two questions of the probe. */
export const PROBE_PERIOD_MS = 10;

/** How often it is looked whether an answer has come that is waited for, in ms. */
const LOOK_EVERY_MS = 0.25;

/** A time without an answer, in host time: from the last answer before it to the first after it. */
export interface Gap {
  readonly startMs: VirtualMs;
  readonly endMs: VirtualMs;
}

/**
 * The user, as far as downtime goes: somebody who asks the guest every 10 ms whether it is there, and
 * notices how long it does not answer.
 */
export interface Probe {
  /** From now on the VM is not asked, and what it still answers does not count: the user waits. */
  detach(): void;
  /** Asks again from now on, at once for the first time: the same VM, or the one that the user has been switched over to. */
  attach(vm: Vm): Promise<void>;
  /** Everything asked so far. */
  answers(): ProbeAnswer[];
  /** When the guest last answered. */
  lastAnswerMs(): VirtualMs;
  /** How often the guest has answered. */
  answerCount(): number;
  /** The longest time without an answer so far, of zero length if there were fewer than two answers. */
  longestGap(): Gap;
  /** The time without an answer in which `moment` lies. */
  gapAround(moment: VirtualMs): Gap;
}

/** Starts to probe a VM. */
export function startProbe(host: Host, vm: Vm): Probe {
  const sent: VirtualMs[] = [];
  const answered = new Map<number, VirtualMs>();
  const answerTimes: VirtualMs[] = [];
  let asked = vm;
  let attached = true;

  host.beforeQuantum(async (end) => {
    const first = Math.ceil(host.now() / PROBE_PERIOD_MS) * PROBE_PERIOD_MS;
    for (let at = first; at < end; at += PROBE_PERIOD_MS) {
      const atMs = virtualMs(at);
      if (atMs === sent.at(-1)) continue;
      if (attached) await ask(atMs);
      else sent.push(atMs);
    }
  });
  listen(vm);

  async function ask(atMs: VirtualMs): Promise<void> {
    const number = sent.push(atMs) - 1;
    await asked.attendant.ping(number, host.machineTime(asked.machine, atMs));
  }

  function listen(to: Vm): void {
    to.attendant.onPong((number, atMs) => {
      if (!attached || asked !== to || number >= sent.length || answered.has(number)) return;
      const hostMs = host.hostTime(to.machine, atMs);
      answered.set(number, hostMs);
      answerTimes.push(hostMs);
    });
  }

  return {
    detach() {
      attached = false;
    },
    async attach(to) {
      if (to !== asked) listen(to);
      asked = to;
      attached = true;
      if (sent.at(-1) !== host.now()) await ask(host.now());
    },
    answers: () =>
      sent.map((sentMs, number) => ({ sentMs, answeredMs: answered.get(number) ?? null })),
    lastAnswerMs: () => answerTimes.at(-1) ?? virtualMs(0),
    answerCount: () => answerTimes.length,
    longestGap() {
      let longest: Gap = { startMs: virtualMs(0), endMs: virtualMs(0) };
      for (const [index, endMs] of answerTimes.entries()) {
        const startMs = answerTimes[index - 1] ?? endMs;
        if (endMs - startMs > longest.endMs - longest.startMs) longest = { startMs, endMs };
      }
      return longest;
    },
    gapAround(moment) {
      const next = answerTimes.findIndex((at) => at > moment);
      const endMs = answerTimes[next] ?? host.now();
      return { startMs: answerTimes[(next < 0 ? answerTimes.length : next) - 1] ?? endMs, endMs };
    },
  };
}

/** Lets time pass until the guest has answered again; resolves to false if it does not within `withinMs`. */
export async function awaitAnswer(host: Host, probe: Probe, withinMs: number): Promise<boolean> {
  const before = probe.answerCount();
  const deadline = after(host.now(), withinMs);
  while (probe.answerCount() === before && host.now() < deadline) {
    await host.advanceTo(after(host.now(), LOOK_EVERY_MS));
  }
  return probe.answerCount() > before;
}
