import { accessSync, constants, existsSync, mkdirSync, mkdtempSync } from "node:fs";
import { renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { applied, compareRuns, comparisonMarkdown, type InapplicableRow } from "./compare.js";
import { compareFigure } from "./figures/comparison.js";
import type { RunSummary } from "./summary.js";

/** A comparison cannot be left where it should be. */
export class ComparisonDirectoryError extends Error {
  override readonly name = "ComparisonDirectoryError";
}

/**
 * Looks, before the work begins, whether `dir` is a directory to write to, or can be made.
 *
 * @throws {ComparisonDirectoryError} if it is in the way of the comparison, or what is above it
 */
export function checkPlace(dir: string): void {
  let nearest = path.resolve(dir);
  while (!existsSync(nearest) && nearest !== path.dirname(nearest)) nearest = path.dirname(nearest);
  const refusal = (reason: string, cause?: unknown) =>
    new ComparisonDirectoryError(
      `the comparison cannot be written to ${dir}: ${reason}; choose another directory with --out`,
      { cause },
    );
  if (!statSync(nearest).isDirectory()) throw refusal(`${nearest} is not a directory`);
  try {
    accessSync(nearest, constants.W_OK | constants.X_OK);
  } catch (cause) {
    throw refusal(`you may not write to ${nearest}`, cause);
  }
}

/**
 * Leaves `comparison.json`, `comparison.md` and `downtime.svg` and `.png` in `dir`, beside whatever else
 * is there (the directories of the runs, say). Files of these names are replaced, each whole or not at all.
 *
 * @param tried at least one run, in the order in which they are to appear; what does not apply is in the
 *   tables only
 * @throws {RangeError} if the runs are of several guests
 */
export function writeComparison(
  dir: string,
  tried: readonly (RunSummary | InapplicableRow)[],
): void {
  const rows = compareRuns(tried);
  const figure = compareFigure(applied(tried));
  const files: [name: string, content: string | Uint8Array][] = [
    ["comparison.json", `${JSON.stringify(rows, null, 2)}\n`],
    ["comparison.md", comparisonMarkdown(rows)],
    ["downtime.svg", figure.svg],
    ["downtime.png", figure.png],
  ];
  mkdirSync(dir, { recursive: true });
  const workshop = mkdtempSync(path.join(dir, ".comparison.partial-"));
  try {
    for (const [name, content] of files) writeFileSync(path.join(workshop, name), content);
    for (const [name] of files) renameSync(path.join(workshop, name), path.join(dir, name));
  } finally {
    rmSync(workshop, { recursive: true, force: true });
  }
}
