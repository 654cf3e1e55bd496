import type { Experiment } from "../src/experiment/experiment.js";

const STRATEGIES = ["reboot", "phase-reuse", "shadow-transplant"] as const;

/** What the user waits for where the kernel stays as it is, so that a phase of an earlier boot can be used again. */
export default {
  title: "Downtime of an update of settings, by guest and strategy",
  subtitle: "The longest time without an answer to a question every 10 ms; virtual time",
  runs: ({ guests, strategies, updates }) =>
    guests
      .filter((guest) => updates(guest).includes("config"))
      .flatMap((guest) =>
        STRATEGIES.filter((strategy) => strategies.includes(strategy)).map((strategy) => ({
          guest,
          strategy,
          update: "config",
        })),
      ),
  figure: { kind: "downtimes", bands: [] },
  quick: false,
} satisfies Experiment;
