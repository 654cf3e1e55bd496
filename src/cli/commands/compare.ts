import path from "node:path";
import { compareRuns, formatComparison } from "../../experiment/compare.js";
import { writeComparison } from "../../experiment/comparison-directory.js";
import { performRun } from "../../experiment/perform-run.js";
import { prepareFollowed } from "../../experiment/preparation.js";
import type { RunSummary } from "../../experiment/summary.js";
import { columns } from "../columns.js";
import type { Command } from "../context.js";
import { addRunOptions, checkUpdate, guestArgument, hostOf, parseStrategies } from "../options.js";

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
        .example("$0 compare busybox --json", ""),
    async ({ guest, strategies, update, cores, policy, out, json }) => {
      const chosen = parseStrategies(strategies);
      await checkUpdate(guest, update);
      const directory = out ?? `runs/${guest}-comparison`;
      const prepared = await prepareFollowed(guest, context);
      const runs: RunSummary[] = [];
      for (const strategy of chosen) {
        const request = { strategy, update, keep: null, host: hostOf({ cores, policy }) };
        runs.push(await performRun(prepared, request, path.join(directory, strategy), context));
      }
      writeComparison(directory, runs);
      const comparison = compareRuns(runs);
      context.print(
        json
          ? `${JSON.stringify({ directory, comparison, runs }, null, 2)}\n`
          : `${formatComparison(comparison)}\n${LEGEND}\n${placesOf(directory, runs)}`,
      );
      if (runs.some(({ committed }) => !committed)) process.exitCode = 1;
    },
  );

const LEGEND =
  "The downtime is virtual time, as the guest's user lives through it; the wall time is what this\n" +
  "computer took to emulate it.\n";

function placesOf(directory: string, runs: readonly RunSummary[]): string {
  const failures = runs.flatMap(({ strategy, failure }) =>
    failure === null ? [] : [[strategy, failure.message]],
  );
  return columns([
    ...failures,
    ["runs", runs.map(({ strategy }) => path.join(directory, strategy)).join(", ")],
    ["picture", path.join(directory, "downtime.svg")],
  ]);
}
