import type { Experiment } from "../src/experiment/experiment.js";

/** F1: what the user waits for, in every guest by every strategy. */
export default {
  title: "Downtime of one kernel update, by guest and strategy",
  subtitle: "The longest time without an answer to a question every 10 ms; virtual time",
  runs: ({ guests, strategies }) =>
    guests.flatMap((guest) => strategies.map((strategy) => ({ guest, strategy }))),
  figure: {
    kind: "downtimes",
    bands: [
      {
        label: "what 91 to 98 % less than the reboot leaves: the paper's, VEE'13",
        leastPercent: 91,
        mostPercent: 98,
      },
      {
        label: "what 43 to 96 % less than the reboot leaves: the paper's, APSys'11",
        leastPercent: 43,
        mostPercent: 96,
      },
    ],
  },
  quick: true,
} satisfies Experiment;
