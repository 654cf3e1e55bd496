import path from "node:path";
import {
  applied,
  compareRuns,
  formatComparison,
  type InapplicableRow,
} from "../../experiment/compare.js";
import { writeComparison } from "../../experiment/comparison-directory.js";
import { performRun } from "../../experiment/perform-run.js";
import { checkCreatable } from "../../experiment/run-directory.js";
import { prepareFollowed } from "../../experiment/preparation.js";
import type { RunSummary } from "../../experiment/summary.js";
import { DoesNotApply } from "../../reboot/errors.js";
import { forks } from "../../reboot/update.js";
import { columns } from "../columns.js";
import type { Command } from "../context.js";
import {
  addRunOptions,
  checkUpdate,
  guestArgument,
  hostOf,
  parseStrategies,
  typedBefore,
} from "../options.js";

/** `compare`: one guest, several strategies from the same boot snapshot, side by side. */
export const compareCommand: Command = (cli, context) =>
  cli.command(
    "compare <guest>",
    "update a guest by several strategies, and compare them",
    (yargs) =>
      addRunOptions(
        yargs
          .positional("guest", guestArgument(context))
          .option("strategies", {
            type: "string",
            default: "reboot,shadow,shadow-transplant",
            describe: "which, in this order; or all",
          })
          .option("out", {
            type: "string",
            describe: "where all of it is left  [default: runs/<guest>-comparison]",
          }),
      )
        .example(
          "$0 compare busybox",
          "a plain reboot, a shadow reboot, and one with the programs transplanted",
        )
        .example("$0 compare busybox --strategies all", "")
        .example("$0 compare busybox --cores 1 --out runs/one-core", "")
        .example(
          "$0 compare busybox --run 'while :; do :; done &'",
          "with a user whose program computes all the time",
        )
        .example(
          "$0 compare busybox --update all --apply shadow",
          "no fork, no shadow: a plain reboot applies it in the original VM",
        )
        .example("$0 compare busybox --json", ""),
    async ({ guest, strategies, update, apply, run: line, out, json, ...options }) => {
      const chosen = parseStrategies(strategies);
      await checkUpdate(guest, update);
      const host = hostOf(options);
      const typed = typedBefore(line);
      const directory = out ?? `runs/${guest}-comparison`;
      checkCreatable(directory);
      const prepared = await prepareFollowed(guest, context);
      const tried: (RunSummary | InapplicableRow)[] = [];
      for (const strategy of chosen) {
        // Where there is no fork, it can only be the original VM.
        const applyIn = forks(strategy) ? apply : "original";
        const request = { strategy, update, applyIn, keep: null, ...typed, host };
        const run = performRun(prepared, request, path.join(directory, strategy), context);
        tried.push(await run.catch((error: unknown) => inapplicable(strategy, error)));
      }
      const runs = applied(tried);
      if (runs.length > 0) writeComparison(directory, tried);
      const comparison = compareRuns(tried);
      context.print(
        json
          ? `${JSON.stringify({ directory, comparison, runs }, null, 2)}\n`
          : `${formatComparison(comparison)}\n${LEGEND}\n${placesOf(directory, tried)}`,
      );
      if (runs.length === 0 || runs.some(({ committed }) => !committed)) process.exitCode = 1;
    },
  );

const LEGEND =
  "The downtime is virtual time, as the guest's user lives through it; the wall time is what this\n" +
  "computer took to emulate it.\n";

/** @throws any error but that a strategy does not apply */
function inapplicable(strategy: string, error: unknown): InapplicableRow {
  if (!(error instanceof DoesNotApply)) throw error;
  return { strategy, doesNotApply: error.message };
}

function placesOf(directory: string, tried: readonly (RunSummary | InapplicableRow)[]): string {
  const reasons = tried.flatMap((each) => {
    if ("doesNotApply" in each) return [[each.strategy, each.doesNotApply]];
    return each.failure === null ? [] : [[each.strategy, each.failure.message]];
  });
  const runs = applied(tried);
  if (runs.length === 0) return columns(reasons);
  return columns([
    ...reasons,
    ["runs", runs.map(({ strategy }) => path.join(directory, strategy)).join(", ")],
    ["picture", path.join(directory, "downtime.svg")],
  ]);
}
