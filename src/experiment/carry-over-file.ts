import { readFileSync } from "node:fs";
import path from "node:path";
import { z } from "zod";
import { isCarried } from "../carry-over/decide.js";
import type { FileDecision } from "../reboot/carry-over.js";
import { sortedJson } from "./json.js";

const file = z.object({ path: z.string(), why: z.string() });

/** `carry-over.json`: what became of files that changed on the original's system disk during the background reboot. */
const carryOverFile = z.object({
  carried: z.array(file.extend({ action: z.enum(["carry", "append", "beside"]) })),
  kept: z.array(file),
  conflicts: z.array(file),
});
/** @see carryOverFile */
export type CarryOverFile = z.infer<typeof carryOverFile>;

/** Name of the file in a run's directory. */
export const CARRY_OVER_FILE = "carry-over.json";

/** The file's text; what was decided stands in it list by list, in the order of the paths. */
export function carryOverJson(files: readonly FileDecision[]): string {
  const those = (matches: (each: FileDecision) => boolean): FileDecision[] => files.filter(matches);
  return sortedJson({
    carried: those(isCarried).map(({ path, action, why }) => ({ path, action, why })),
    kept: those(({ action }) => action === "keep").map(({ path, why }) => ({ path, why })),
    conflicts: those(({ action }) => action === "conflict").map(({ path, why }) => ({ path, why })),
  });
}

/**
 * Reads the file in the directory of a run.
 *
 * @throws if it is not there, or not as {@link carryOverJson} makes it
 */
export function readCarryOver(directory: string): CarryOverFile {
  return carryOverFile.parse(
    JSON.parse(readFileSync(path.join(directory, CARRY_OVER_FILE), "utf8")),
  );
}
