import type { Experiment } from "../src/experiment/experiment.js";
import { besideWork, SIDES } from "./host.js";

const INTERVALS_MS = [0, 0.5, 1, 1.5, 2] as const;
/** From a few µs to more than a ms: Li, Ding and Shen, "Quantifying the cost of context switch", ExpCS 2007. */
const SWITCHES_MS = [0.1, 0.5] as const;

/** What a preemption interval buys the user, and what the background reboot pays for it (Eggert and Touch, SOSP 2005). */
export default {
  title: "Idletime scheduling: what the preemption interval buys, and its price",
  subtitle: "busybox by shadow on one processor, beside a user who works in bursts; virtual time",
  runs: () =>
    SWITCHES_MS.flatMap((switchMs) =>
      INTERVALS_MS.map((preemptionIntervalMs) =>
        besideWork({ cores: 1, policy: "idletime", preemptionIntervalMs, costs: { switchMs } }),
      ),
    ),
  figure: {
    kind: "curves",
    x: { title: "preemption interval (ms)", of: ({ host }) => host.preemptionIntervalMs },
    y: SIDES,
    curve: ({ host }) => `a switch costs ${host.costs.switchMs} ms`,
  },
  quick: false,
} satisfies Experiment;
