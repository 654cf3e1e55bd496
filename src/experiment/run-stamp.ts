import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { Recipe } from "../images/recipe.js";
import { installedEmulator } from "../node/emulator.js";
import { sortedJson } from "./json.js";
import type { RunRequest } from "./perform-run.js";

/** What of the program computes a run, or decides what can be read of it; what only shows it is not among it. */
const COMPUTING =
  /^(?:(?:carry-over|clock|guest|host|machine|node|process|reboot|storage)\/.*|experiment\/(?:boot|events|perform-run|phase-snapshot|prepared-guest|probe-file|run-directory|summary)|images\/updates)\.[jt]s$/;

/**
 * A short text that is the same for two runs only if they must come out alike: it stands for the guest's
 * recipe with the hashes of its disks, the request, the emulator and the program.
 */
export async function stampOf(guest: string, recipe: Recipe, request: RunRequest): Promise<string> {
  const { identity } = await installedEmulator();
  return createHash("sha256")
    .update(sortedJson({ guest, recipe, request, emulator: identity }))
    .update(programSha256())
    .digest("hex")
    .slice(0, 16);
}

/** Whether a file of the program, named from its folder, can make the same request another run. */
export function isPartOfStamp(name: string): boolean {
  return COMPUTING.test(name) && !name.endsWith(".d.ts");
}

let program: string | null = null;

function programSha256(): string {
  if (program !== null) return program;
  const source = fileURLToPath(new URL("../", import.meta.url));
  const hash = createHash("sha256");
  const files = readdirSync(source, { recursive: true, encoding: "utf8" });
  for (const name of files.map((file) => file.replaceAll(path.sep, "/")).sort()) {
    if (!isPartOfStamp(name)) continue;
    hash.update(`${name}\n`).update(readFileSync(path.join(source, name)));
  }
  program = hash.digest("hex");
  return program;
}
