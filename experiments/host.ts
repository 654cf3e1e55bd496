import type { Axis, Experiment, HostChanges, PlannedRun } from "../src/experiment/experiment.js";

const CORES = [1, 2] as const;
const POLICIES = ["fair", "background-idle", "idletime"] as const;

/** Bursts of some 5 ms, a dozen with short pauses between them, and then a longer pause. */
const WORK =
  "while usleep 100000; do for us in 250 500 750 1000 1250 1500 250 500 750 1000 1250 1500; do " +
  "i=0; while [ $i -lt 130 ]; do i=$((i+1)); done; usleep $us; done; done &";

/** A shadow reboot beside a user who works. */
export function besideWork(host: HostChanges): PlannedRun {
  return { guest: "busybox", strategy: "shadow", run: WORK, host };
}

/** What the two sides have of sharing a host. */
export const SIDES: readonly Axis<number>[] = [
  {
    title: "how much longer the user's work takes (%)",
    of: ({ found }) => {
      const background = found?.summary.background;
      return background ? (background.userWaitedMs / background.userRanMs) * 100 : null;
    },
  },
  {
    title: "how long the background reboot takes (s)",
    of: ({ found }) => {
      const background = found?.summary.background;
      return background ? background.tookMs / 1000 : null;
    },
  },
];

/** How much a background reboot disturbs a user who works, by what the host has and how it shares it out. */
export default {
  title: "A background reboot beside a user who works",
  subtitle:
    "busybox by shadow; the user computes for 38 % of the time, in bursts; a switch costs 0.1 ms; virtual time",
  runs: () =>
    POLICIES.flatMap((policy) =>
      CORES.map((cores) => besideWork({ cores, policy, costs: { switchMs: 0.1 } })),
    ),
  figure: {
    kind: "curves",
    x: { title: "processors of the host", of: ({ host }) => host.cores },
    y: SIDES,
    curve: ({ host: { policy, preemptionIntervalMs } }) =>
      policy === "idletime" ? `idletime, interval ${preemptionIntervalMs} ms` : policy,
  },
  quick: false,
} satisfies Experiment;
