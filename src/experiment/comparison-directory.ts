import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { applied, compareRuns, comparisonMarkdown, type InapplicableRow } from "./compare.js";
import { compareFigure } from "./figures/comparison.js";
import type { RunSummary } from "./summary.js";

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
