import { availableParallelism } from "node:os";
import path from "node:path";
import { loadExperiments } from "../../experiment/experiments.js";
import { prepareFollowed } from "../../experiment/preparation.js";
import { sortedJson } from "../../experiment/json.js";
import { type CompleteRun, reproduce } from "../../experiment/reproduce.js";
import { writeResults } from "../../experiment/results.js";
import { checkCreatable } from "../../experiment/run-directory.js";
import { inAnotherProcess } from "../../experiment/run-elsewhere.js";
import { DEFAULT_HOST } from "../../host/config.js";
import { listGuests } from "../../images/recipe.js";
import { columns } from "../columns.js";
import { type Command, UsageError } from "../context.js";
import { parseStrategies } from "../options.js";

/** What shows the most within a few minutes. */
const QUICK = { guests: "busybox,workbench", strategies: "reboot,shadow,shadow-transplant" };

/** What a run takes of the computer's memory at most, in bytes. */
const RUN_BYTES = 2e9;

/** `reproduce`: all runs behind the figures, the figures, and what they show. */
export const reproduceCommand: Command = (cli, context) =>
  cli.command(
    "reproduce",
    "make all figures, with the runs behind them, and check what is claimed",
    (yargs) =>
      yargs
        .option("quick", {
          type: "boolean",
          default: false,
          describe: "two guests, three strategies, and no long experiments",
        })
        .option("guests", {
          type: "string",
          describe: `these guests only  [default: all; with --quick ${QUICK.guests}]`,
        })
        .option("strategies", {
          type: "string",
          describe: `these strategies only  [default: all; with --quick ${QUICK.strategies}]`,
        })
        .option("out", {
          type: "string",
          describe: "where the results go  [default: results; of a part of the runs runs/results]",
        })
        .option("runs", {
          type: "string",
          default: "runs/reproduction",
          describe:
            "where finished runs are kept; they are not repeated unless something has changed",
        })
        .option("jobs", {
          type: "number",
          describe: "runs at the same time  [default: one for each processor, as memory allows]",
        })
        .example(
          "$0 reproduce",
          "all guests by all strategies, into results/; an hour and a half on two cores",
        )
        .example("$0 reproduce --quick", "a few minutes, into runs/results/")
        .example("$0 reproduce --guests busybox,systemd --out /tmp/results", ""),
    async ({ quick, guests, strategies, out, runs, jobs }) => {
      const known = await listGuests();
      const chosen = chooseGuests(known, guests ?? (quick ? QUICK.guests : known.join(",")));
      const experiments = (await loadExperiments()).filter((one) => one.quick || !quick);
      const isPart = quick || chosen.length < known.length || strategies !== undefined;
      const folder = out ?? (isPart ? "runs/results" : "results");
      checkCreatable(folder);
      const reproduction = await reproduce(
        {
          experiments,
          guests: chosen,
          strategies: parseStrategies(strategies ?? (quick ? QUICK.strategies : "all")),
          runsFolder: runs,
          repeat: ({ guest, strategy, update, ...request }) =>
            strategy === "shadow-transplant" &&
            update === "kernel" &&
            isUsual(request) &&
            (!quick || guest === chosen[0]),
          prepare: prepareFollowed,
          runElsewhere: inAnotherProcess([...process.execArgv, process.argv[1] ?? ""]),
          jobs: parseJobs(jobs),
        },
        context,
      );
      const { claims, files } = await writeResults(folder, reproduction);
      const rows = claims.map(({ claim, measured, verdict }) => [verdict, claim, measured]);
      const pictures = files.filter((name) => name.endsWith(".svg"));
      context.print(
        `${columns(rows)}\n${columns([
          ["claims", path.join(folder, "claims.md")],
          ["data", path.join(folder, "data.csv")],
          ["pictures", pictures.map((name) => path.join(folder, name)).join(", ")],
        ])}`,
      );
      if (claims.some(({ verdict }) => verdict === "NO")) process.exitCode = 1;
    },
  );

/** Whether another process that is told guest, strategy and update alone makes the same run. */
function isUsual({ applyIn, run, host }: Pick<CompleteRun, "applyIn" | "run" | "host">): boolean {
  return (
    applyIn === "original" && run === undefined && sortedJson(host) === sortedJson(DEFAULT_HOST)
  );
}

function parseJobs(jobs: number | undefined): number {
  if (jobs === undefined) {
    return Math.max(
      1,
      Math.min(availableParallelism(), Math.floor(process.availableMemory() / RUN_BYTES)),
    );
  }
  if (Number.isInteger(jobs) && jobs >= 1) return jobs;
  throw new UsageError("--jobs is the number of runs at the same time: 1 or more.");
}

function chooseGuests(known: readonly string[], wanted: string): string[] {
  const names = wanted.split(",").map((name) => name.trim());
  const wrong = names.find((name) => !known.includes(name));
  if (wrong !== undefined) {
    throw new UsageError(`There is no guest "${wrong}"; the guests are ${known.join(", ")}.`);
  }
  // In one order, so that the results are the same bytes whatever the order of the names.
  return known.filter((name) => names.includes(name));
}
