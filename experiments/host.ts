import type { Experiment, PlannedRun } from "../src/experiment/experiment.js";

const CORES = [1, 2, 4] as const;
const POLICIES = ["fair", "background-idle", "idletime"] as const;

/** How much the background reboot disturbs the user's work, by what the host has and how it shares it out. */
export default {
  title: "How long answers take while the guest reboots in the background",
  subtitle:
    "99th percentile of a whole shadow reboot of busybox, without the downtime; virtual time",
  runs: () =>
    POLICIES.flatMap((policy) =>
      CORES.map((cores): PlannedRun => ({
        guest: "busybox",
        strategy: "shadow",
        host: { cores, policy },
      })),
    ),
  figure: {
    kind: "curves",
    x: { title: "processors of the host", of: ({ host }) => host.cores },
    y: { title: "time to an answer (ms)", of: ({ found }) => found?.answers.p99Ms ?? null },
    curve: ({ host }) => host.policy,
  },
  quick: false,
} satisfies Experiment;
