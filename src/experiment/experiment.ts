import type { HostConfig } from "../host/config.js";
import type { ApplyPlace } from "../reboot/apply-update.js";
import type { StrategyName } from "../reboot/update.js";
import type { FinishedRun } from "./finished-run.js";

/** One update of one guest, as a figure wants it; what is left out is as `shadow-reboot update` has it. */
export interface PlannedRun {
  readonly guest: string;
  readonly strategy: StrategyName;
  /** One of the guest's updates; `kernel` by default. */
  readonly update?: string;
  /** Where it is applied; `original` by default. */
  readonly applyIn?: ApplyPlace;
  /** A line of shell that the user types before the update begins; none by default. */
  readonly run?: string;
  /** What differs from the simulated host that runs have by default. */
  readonly host?: HostChanges;
}

/** A part of a host's configuration, and of its costs. */
export type HostChanges = Partial<Omit<HostConfig, "costs">> & {
  readonly costs?: Partial<HostConfig["costs"]>;
};

/** What an experiment may choose from. */
export interface Available {
  /** The guests that are to be looked at, in the order in which figures show them. */
  readonly guests: readonly string[];
  readonly strategies: readonly StrategyName[];
  /** The names of a guest's updates. */
  readonly updates: (guest: string) => readonly string[];
}

/** A quantity on an axis. */
export interface Axis<Value> {
  /** Its name, with the unit in brackets. */
  readonly title: string;
  /** Its value in a run; null leaves the run out of the figure. */
  readonly of: (run: FinishedRun) => Value | null;
}

/** What a saving in per cent that somebody published would leave of the downtime of a reboot. */
export interface SavingBand {
  readonly label: string;
  readonly leastPercent: number;
  readonly mostPercent: number;
}

/** The kinds of figures; all times are virtual. */
export type FigurePlan =
  | { readonly kind: "downtimes"; readonly bands: readonly SavingBand[] }
  | { readonly kind: "phases" }
  | { readonly kind: "timeline" }
  | {
      readonly kind: "curves";
      /** Steps of the x axis stand side by side, in the order of the runs. */
      readonly x: Axis<number | string>;
      /** Each has a panel of its own, one below the other. */
      readonly y: readonly Axis<number>[];
      /** Runs that give the same belong to one curve of this name. */
      readonly curve: (run: FinishedRun) => string;
    };

/** A figure, and the runs that it shows: a file in `experiments/` exports one by default. */
export interface Experiment {
  /** What the figure shows, in one line. */
  readonly title: string;
  /** How it is measured, in one line below. */
  readonly subtitle: string;
  readonly runs: (available: Available) => readonly PlannedRun[];
  readonly figure: FigurePlan;
  /** Whether `reproduce --quick` makes it, too. */
  readonly quick: boolean;
}
