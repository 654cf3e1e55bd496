import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { EmulatorIdentity } from "../storage/snapshot.js";

/** The emulator as it is installed: code to start machines from, and what to stamp snapshots with. */
export interface InstalledEmulator {
  readonly wasm: WebAssembly.Module;
  readonly identity: EmulatorIdentity;
}

let installed: Promise<InstalledEmulator> | null = null;

/** Reads and compiles v86 from `node_modules`, once a process. */
export function installedEmulator(): Promise<InstalledEmulator> {
  installed ??= readEmulator();
  return installed;
}

async function readEmulator(): Promise<InstalledEmulator> {
  const build = dirname(createRequire(import.meta.url).resolve("v86"));
  const bytes = await readFile(join(build, "v86.wasm"));
  const manifest: unknown = JSON.parse(await readFile(join(build, "..", "package.json"), "utf8"));
  const version =
    typeof manifest === "object" && manifest !== null && "version" in manifest
      ? String(manifest.version)
      : "unknown";
  return {
    wasm: await WebAssembly.compile(bytes),
    identity: { version, wasmSha256: createHash("sha256").update(bytes).digest("hex") },
  };
}
