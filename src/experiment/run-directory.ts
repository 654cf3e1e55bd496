import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
} from "node:fs";
import { mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { z } from "zod";
import type { FileDecision } from "../reboot/carry-over.js";
import type { ProbeAnswer, RunEvent, RunReport } from "../reboot/report.js";
import { CARRY_OVER_FILE, carryOverJson } from "./carry-over-file.js";
import { consolesByName, toCast } from "./cast.js";
import { eventsForDigest } from "../reboot/digest.js";
import { parseEvents } from "./events.js";
import { downtimeFigure } from "./figures/downtime.js";
import { timelineFigure } from "./figures/timeline.js";
import { sortedJson } from "./json.js";
import { parseProbe, probeCsv } from "./probe-file.js";
import { runSummary, summarise } from "./summary.js";
import type { RunSummary } from "./summary.js";
import { toTrace } from "./trace.js";

const runConfig = z.record(z.string(), z.json());

/** The resolved configuration of a run: everything that decides what it computes, as plain JSON. */
export type RunConfig = z.infer<typeof runConfig>;

/** What can be read back from the directory of a run. */
export interface StoredRun {
  readonly config: RunConfig;
  readonly summary: RunSummary;
  readonly events: readonly RunEvent[];
  readonly probe: readonly ProbeAnswer[];
}

/** The directory of a run cannot be written or read; the message says what to do. */
export class RunDirectoryError extends Error {
  override readonly name = "RunDirectoryError";
}

/**
 * Leaves a run in the directory `dir`, all of it or nothing: the files are written into a folder beside
 * it, which then takes its place. A run of an earlier time that lies there is replaced.
 *
 * It works without a pause, so a handler of SIGINT finds the old state or the new one.
 *
 * @throws {RunDirectoryError} if something lies at `dir` that is not a run, or if it cannot be written;
 *   what was there is left as it was
 */
export function writeRun(dir: string, config: RunConfig, report: RunReport): void {
  const target = existsSync(dir) ? realpathSync(dir) : path.resolve(dir);
  checkReplaceable(target);
  const files = filesOf(config, report);
  let workshop: string | undefined;
  try {
    mkdirSync(path.dirname(target), { recursive: true });
    workshop = mkdtempSync(`${target}.partial-`);
    const fresh = path.join(workshop, "new");
    mkdirSync(fresh);
    // Else a power cut after the renaming could leave the names without the content.
    for (const [name, content] of files)
      writeFileSync(path.join(fresh, name), content, { flush: true });
    putInPlace(fresh, target, path.join(workshop, "old"));
  } catch (cause) {
    throw new RunDirectoryError(
      `cannot write the run to ${target}: ${reasonOf(cause)}; choose a directory that you may write to`,
      { cause },
    );
  } finally {
    if (workshop !== undefined) rmSync(workshop, { recursive: true, force: true });
  }
}

/** Renames `fresh` to `target`; what was there goes to `old`, and comes back should the renaming fail. */
function putInPlace(fresh: string, target: string, old: string): void {
  const replaces = existsSync(target);
  if (replaces) renameSync(target, old);
  try {
    renameSync(fresh, target);
  } catch (error) {
    if (replaces) renameSync(old, target);
    throw error;
  }
}

/**
 * Reads what a run left.
 *
 * @throws {RunDirectoryError} naming the first file that is missing or not as {@link writeRun} leaves it
 */
export function readRun(dir: string): StoredRun {
  return {
    config: readStored(dir, "config.json", (text) => runConfig.parse(JSON.parse(text))),
    summary: readSummary(dir),
    events: readStored(dir, "events.jsonl", parseEvents),
    probe: readStored(dir, "probe.csv", parseProbe),
  };
}

function readSummary(dir: string): RunSummary {
  return readStored(dir, "summary.json", (text) => runSummary.parse(JSON.parse(text)));
}

function readStored<T>(dir: string, name: string, parse: (text: string) => T): T {
  const file = path.join(dir, name);
  try {
    return parse(readFileSync(file, "utf8"));
  } catch (cause) {
    throw new RunDirectoryError(
      `${file} is not a file of a run: ${reasonOf(cause)}; write the run again with "shadow-reboot update"`,
      { cause },
    );
  }
}

function filesOf(
  config: RunConfig,
  report: RunReport,
): [name: string, content: string | Uint8Array][] {
  const summary = summarise(report);
  const timeline = timelineFigure(summary);
  const downtime = downtimeFigure(summary);
  return [
    ["config.json", sortedJson(config)],
    ["summary.json", `${JSON.stringify(summary, null, 2)}\n`],
    ["events.jsonl", eventsForDigest(report.events)],
    ["probe.csv", probeCsv(report.probe)],
    ["trace.json", `${JSON.stringify(toTrace(report))}\n`],
    ...(report.files === null ? [] : [carryOverEntry(report.files)]),
    ...consolesByName(report.consoles).map(([name, output]): [string, string] => [
      `${name}.cast`,
      toCast(`${report.guest}, ${report.strategy}: ${name}`, output),
    ]),
    ["timeline.svg", timeline.svg],
    ["timeline.png", timeline.png],
    ["downtime.svg", downtime.svg],
    ["downtime.png", downtime.png],
  ];
}

const RUN_FILE =
  /^(config\.json|summary\.json|carry-over\.json|events\.jsonl|probe\.csv|trace\.json|(timeline|downtime)\.(svg|png)|(original|reboot-dedicated)-serial\d+\.cast)$/;

/**
 * Checks that a run may take the place of what lies at `target`: nothing, an empty directory, or a run
 * without any other file. To be asked before long work, too.
 *
 * @throws {RunDirectoryError} if it may not
 */
export function checkReplaceable(target: string): void {
  if (!existsSync(target)) {
    checkCreatable(target);
    return;
  }
  if (!statSync(target).isDirectory()) {
    throw new RunDirectoryError(`${target} is a file; choose another directory for the run`);
  }
  const names = readdirSync(target).sort();
  if (names.length === 0) return;
  const foreign = names.find((name) => !RUN_FILE.test(name));
  if (foreign !== undefined) {
    throw new RunDirectoryError(
      `${target} holds ${foreign}, which is not a file of a run, so it is not replaced; ` +
        `move it away or choose another directory`,
    );
  }
  try {
    readSummary(target);
  } catch (cause) {
    throw new RunDirectoryError(
      `${target} is not empty and holds no whole run, so it is not replaced; ` +
        `move it away or choose another directory`,
      { cause },
    );
  }
}

/**
 * Checks that a directory can be made where nothing lies yet. To be asked before long work.
 *
 * @throws {RunDirectoryError} if it cannot
 */
export function checkCreatable(target: string): void {
  let above = path.resolve(target);
  while (!existsSync(above)) above = path.dirname(above);
  try {
    if (!statSync(above).isDirectory()) throw new Error(`${above} is a file`);
    accessSync(above, constants.W_OK | constants.X_OK);
  } catch (cause) {
    throw new RunDirectoryError(
      `cannot make ${target}: ${reasonOf(cause)}; choose a directory that you may write to`,
      { cause },
    );
  }
}

function carryOverEntry(files: readonly FileDecision[]): [name: string, content: string] {
  return [CARRY_OVER_FILE, carryOverJson(files)];
}

function reasonOf(cause: unknown): string {
  if (cause instanceof z.ZodError) return z.prettifyError(cause).replaceAll("\n", " ");
  return cause instanceof Error ? cause.message : String(cause);
}
