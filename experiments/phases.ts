import type { Experiment } from "../src/experiment/experiment.js";
import downtime from "./downtime.js";

/** F2: what the downtimes of F1 consist of. */
export default {
  title: "Phases of the downtime, by guest and strategy",
  subtitle:
    "The longest time without an answer to the probe, cut at what happened; a time that stands off its bar is that of a late answer elsewhere",
  runs: downtime.runs,
  figure: { kind: "phases" },
  quick: true,
} satisfies Experiment;
