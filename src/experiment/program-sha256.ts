import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const known = new Map<string, string>();

/**
 * SHA-256, hexadecimal, over files of the program as it runs: of TypeScript and of what is built of it not the same.
 *
 * @param names matches a file's name, with `/` between its parts, from the program's folder
 */
export function programSha256(names: RegExp): string {
  const before = known.get(names.source);
  if (before !== undefined) return before;
  const source = fileURLToPath(new URL("../", import.meta.url));
  const hash = createHash("sha256");
  const files = readdirSync(source, { recursive: true, encoding: "utf8" });
  for (const name of files.map((file) => file.replaceAll(path.sep, "/")).sort()) {
    if (!isPartOf(names, name)) continue;
    hash.update(`${name}\n`).update(readFileSync(path.join(source, name)));
  }
  const digest = hash.digest("hex");
  known.set(names.source, digest);
  return digest;
}

/** Whether a file of the program counts; declarations of types compute nothing. */
export function isPartOf(names: RegExp, name: string): boolean {
  return names.test(name) && !name.endsWith(".d.ts");
}
