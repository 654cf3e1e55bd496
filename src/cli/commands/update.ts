import { formatDuration } from "../../experiment/duration.js";
import { type FileRequest, performRun } from "../../experiment/perform-run.js";
import { outcomeOf } from "../../experiment/outcome.js";
import { prepareFollowed } from "../../experiment/preparation.js";
import { NotAPath, plainPath } from "../../carry-over/entry.js";
import { readCarryOver } from "../../experiment/carry-over-file.js";
import type { RunSummary } from "../../experiment/summary.js";
import { carries, forks, isStrategy, type StrategyName, STRATEGIES } from "../../reboot/update.js";
import { describePlan } from "../carry-over-text.js";
import { columns } from "../columns.js";
import { type Command, UsageError } from "../context.js";
import {
  addRunOptions,
  checkUpdate,
  guestArgument,
  hostOf,
  parseKeep,
  typedBefore,
} from "../options.js";

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
              "programs to transplant: a process id, a name or session:<process id>, each with all that descend from it  [default: the session on the console, and the guest's services]",
          })
          .option("drop", {
            type: "boolean",
            default: false,
            describe: "leave behind what cannot go along, instead of giving the update up",
          })
          .option("ours", {
            type: "string",
            array: true,
            describe:
              "files on the system disk, each with all below it, to be as in the original VM",
          })
          .option("theirs", {
            type: "string",
            array: true,
            describe: "files, each with all below it, to be as in the rebooted system",
          })
          .option("plan", {
            type: "boolean",
            default: false,
            describe: "commit nothing: show which files would be carried, kept, in conflict",
          })
          .option("out", {
            type: "string",
            describe: "where the run is left  [default: runs/<guest>-<strategy>]",
          }),
      )
        .example("$0 update busybox --strategy shadow", "")
        .example("$0 update busybox --strategy shadow --cores 1 --policy background-idle", "")
        .example("$0 update busybox --strategy shadow --cores 1 --policy idletime", "")
        .example(
          "$0 update busybox --strategy shadow --run 'while :; do :; done &'",
          "with a user whose program computes all the time",
        )
        .example("$0 update busybox --strategy shadow-transplant --keep sh", "")
        .example(
          "$0 update busybox --strategy shadow --update config --apply shadow",
          "an update that fails never touches the original VM",
        )
        .example(
          "$0 update busybox --strategy shadow --plan",
          "which files would be carried; nothing is committed",
        )
        .example("$0 update busybox --strategy reboot --json | jq .downtime", ""),
    async ({ guest, strategy, update, apply, keep, drop, run, out, json, ...options }) => {
      if (!isStrategy(strategy)) throw new UsageError(`There is no strategy "${strategy}".`);
      await checkUpdate(guest, update);
      if ((keep !== undefined || drop) && !carries(strategy)) {
        const carrying = Object.keys(STRATEGIES).filter(
          (name) => isStrategy(name) && carries(name),
        );
        const option = keep === undefined ? "--drop" : "--keep";
        throw new UsageError(
          `${option} has a meaning only with --strategy ${carrying.join(" or ")}.`,
        );
      }
      if (apply === "shadow" && !forks(strategy)) {
        const forking = Object.keys(STRATEGIES).filter((name) => isStrategy(name) && forks(name));
        throw new UsageError(
          `--apply shadow needs a strategy that reboots a fork: ${forking.join(" or ")}.`,
        );
      }
      const ours = parsePaths(options.ours);
      const theirs = parsePaths(options.theirs);
      const { plan: onlyPlan } = options;
      checkFileOptions(strategy, { ours, theirs, onlyPlan });
      const host = hostOf(options);
      const typed = typedBefore(run);
      const directory = out ?? `runs/${guest}-${strategy}`;
      const kept = keep === undefined ? null : parseKeep(keep);
      const prepared = await prepareFollowed(guest, context);
      const wishes = ours.length > 0 || theirs.length > 0 || onlyPlan;
      const files = wishes ? { files: { ours, theirs, onlyPlan } } : {};
      const request = {
        strategy,
        update,
        applyIn: apply,
        keep: kept,
        ...(drop && { drop: true as const }),
        ...files,
        ...typed,
        host,
      };
      const summary = await performRun(prepared, request, directory, context);
      context.print(
        json
          ? `${JSON.stringify({ directory, ...summary }, null, 2)}\n`
          : onlyPlan && summary.failure === null
            ? describePlan(readCarryOver(directory))
            : describeRun(summary, directory),
      );
      if (!summary.committed && !(onlyPlan && summary.failure === null)) process.exitCode = 1;
    },
  );

/**
 * Reads what `--ours` or `--theirs` names.
 *
 * @throws {UsageError} if one of them is no absolute path
 */
function parsePaths(paths: readonly string[] = []): string[] {
  try {
    return paths.map(plainPath);
  } catch (error) {
    throw error instanceof NotAPath ? new UsageError(error.message) : error;
  }
}

/** @throws {UsageError} if the strategy does not carry files */
function checkFileOptions(strategy: StrategyName, { ours, theirs, onlyPlan }: FileRequest): void {
  const paths = [...ours, ...theirs];
  if ((paths.length > 0 || onlyPlan) && !forks(strategy)) {
    throw new UsageError(
      `--plan, --ours and --theirs have a meaning only with a strategy that reboots a fork.`,
    );
  }
}

/** The result of an update for a person: virtual time and wall time each by its name. */
export function describeRun(summary: RunSummary, directory: string): string {
  const { guest, strategy, kernelBefore, kernelAfter, failure, downtime } = summary;
  const { virtualMs, wallMs } = downtime;
  const { hasShell, programs, heartbeat } = summary;
  return columns([
    ["update", `${guest} by ${strategy}: ${outcomeOf(summary)}`],
    ...(failure === null ? [] : [["reason", failure.message]]),
    ["kernel", `${kernelBefore} -> ${kernelAfter}`],
    ["downtime", `${formatDuration(virtualMs)} of virtual time`],
    ["", `${formatDuration(wallMs)} of wall time on this computer`],
    ...(heartbeat === null
      ? []
      : [["", `${formatDuration(heartbeat.gapMs)} of virtual time by a program's own heartbeat`]]),
    ...(hasShell || failure?.silent === true ? [] : [["shell", "nobody has one at the console"]]),
    ...survival(programs),
    ["run", directory],
    ["picture", `${directory}/timeline.svg`],
  ]);
}

/** Which of the programs that the user had open went on, and which did not. */
function survival(programs: RunSummary["programs"]): string[][] {
  const named = (survived: boolean): string =>
    programs.flatMap((each) => (each.survived === survived ? [each.name] : [])).join(", ");
  return [
    ["survived", named(true)],
    ["ended", named(false)],
  ].filter(([, names]) => names !== "");
}
