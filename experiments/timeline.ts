import type { Experiment } from "../src/experiment/experiment.js";

/** What happens on which machine in one shadow reboot. */
export default {
  title: "A shadow reboot",
  subtitle: "What happened on which machine, and the downtime enlarged; virtual time",
  runs: () => [{ guest: "busybox", strategy: "shadow" }],
  figure: { kind: "timeline" },
  quick: true,
} satisfies Experiment;
