import type { RunSummary } from "./summary.js";

/** How an update ended, in two or three words for a table. */
export function outcomeOf({
  committed,
  failure,
}: Pick<RunSummary, "committed" | "failure">): string {
  if (committed) return failure === null ? "committed" : "committed, silent";
  return failure?.rolledBack === false ? "failed, no way back" : "rolled back";
}
