import { createHash } from "node:crypto";
import type { Recipe } from "../images/recipe.js";
import { installedEmulator } from "../node/emulator.js";
import { sortedJson } from "./json.js";
import type { RunRequest } from "./perform-run.js";
import { programSha256 } from "./program-sha256.js";

/** What of the program computes a run, or decides what can be read of it; what only shows it is not among it. */
export const COMPUTING =
  /^(?:(?:carry-over|clock|guest|host|machine|node|process|reboot|storage)\/.*|experiment\/(?:boot|events|perform-run|phase-snapshot|prepared-guest|probe-file|run-directory|summary)|images\/updates)\.[jt]s$/;

/**
 * A short text that is the same for two runs only if they must come out alike: it stands for the guest's
 * recipe with the hashes of its disks, the request, the emulator and the program.
 */
export async function stampOf(guest: string, recipe: Recipe, request: RunRequest): Promise<string> {
  const { identity } = await installedEmulator();
  return createHash("sha256")
    .update(sortedJson({ guest, recipe, request, emulator: identity }))
    .update(programSha256(COMPUTING))
    .digest("hex")
    .slice(0, 16);
}
