import { formatDuration } from "../../experiment/duration.js";
import { performRun } from "../../experiment/perform-run.js";
import { prepareFollowed } from "../../experiment/preparation.js";
import type { RunSummary } from "../../experiment/summary.js";
import { isStrategy, STRATEGIES } from "../../reboot/update.js";
import { columns } from "../columns.js";
import { type Command, UsageError } from "../context.js";
import { addRunOptions, checkUpdate, guestArgument, hostOf, parseKeep } from "../options.js";

/** `update`: one guest, one strategy, one run directory. */
export const updateCommand: Command = (cli, context) =>
  cli.command(
    "update <guest>",
    "update a guest by one strategy",
    (yargs) =>
      addRunOptions(
        yargs
          .positional("guest", guestArgument(context))
          .option("strategy", {
            type: "string",
            choices: Object.keys(STRATEGIES),
            demandOption: true,
            describe: "how the update is brought into effect",
          })
          .option("keep", {
            type: "string",
            array: true,
            describe:
              "programs to transplant: a process id, a name or session:<process id>, each with all that descend from it  [default: the session on the console]",
          })
          .option("out", {
            type: "string",
            describe: "where the run is left  [default: runs/<guest>-<strategy>]",
          }),
      )
        .example("$0 update busybox --strategy shadow", "")
        .example("$0 update busybox --strategy shadow --cores 1 --policy background-idle", "")
        .example("$0 update busybox --strategy shadow-transplant --keep sh", "")
        .example("$0 update busybox --strategy reboot --json | jq .downtime", ""),
    async ({ guest, strategy, update, cores, policy, keep, out, json }) => {
      if (!isStrategy(strategy)) throw new UsageError(`There is no strategy "${strategy}".`);
      await checkUpdate(guest, update);
      if (keep !== undefined && strategy !== "shadow-transplant") {
        throw new UsageError(`--keep has a meaning only with --strategy shadow-transplant.`);
      }
      const directory = out ?? `runs/${guest}-${strategy}`;
      const prepared = await prepareFollowed(guest, context);
      const kept = keep === undefined ? null : parseKeep(keep);
      const request = { strategy, update, keep: kept, host: hostOf({ cores, policy }) };
      const summary = await performRun(prepared, request, directory, context);
      context.print(
        json
          ? `${JSON.stringify({ directory, ...summary }, null, 2)}\n`
          : describeRun(summary, directory),
      );
      if (!summary.committed) process.exitCode = 1;
    },
  );

/** The result of an update for a person: virtual time and wall time each by its name. */
export function describeRun(summary: RunSummary, directory: string): string {
  const { guest, strategy, kernelBefore, kernelAfter, committed, failure, downtime } = summary;
  const { virtualMs, wallMs } = downtime;
  return columns([
    ["update", `${guest} by ${strategy}: ${committed ? "committed" : "rolled back"}`],
    ...(failure === null ? [] : [["reason", failure.message]]),
    ["kernel", `${kernelBefore} -> ${kernelAfter}`],
    ["downtime", `${formatDuration(virtualMs)} of virtual time`],
    ["", `${formatDuration(wallMs)} of wall time on this computer`],
    ["run", directory],
    ["picture", `${directory}/timeline.svg`],
  ]);
}
