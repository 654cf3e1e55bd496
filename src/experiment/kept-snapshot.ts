import { createHash } from "node:crypto";
import type { Cache } from "../node/cache.js";
import type { Snapshot } from "../storage/snapshot.js";
import { decodeSnapshot, encodeSnapshot } from "../storage/snapshot-file.js";
import { programSha256 } from "./program-sha256.js";

/** A snapshot that costs a boot to make, as the cache knows it. */
export interface KeptSnapshot {
  /** Begins the name of its file. */
  readonly name: string;
  /** All that decides what is in it besides the program, as JSON has it, and bytes that decide it, too. */
  readonly decides: readonly unknown[];
  readonly bytes?: Uint8Array;
  /** For a person who looks at the file. */
  readonly comment: string;
}

/** Files of the program that decide how a machine comes through a boot. */
export const BOOTING =
  /^(?:(?:clock|machine|storage)\/.*|node\/(?:emulator|machine-worker|start-machine)|experiment\/boot)\.[jt]s$/;

/** Takes a snapshot out of the cache, or makes it and puts it there. */
export async function keptSnapshot(
  cache: Cache,
  { name, decides, bytes = new Uint8Array(), comment }: KeptSnapshot,
  make: () => Promise<Snapshot>,
): Promise<Snapshot> {
  const hash = createHash("sha256")
    .update(JSON.stringify(decides))
    .update(programSha256(BOOTING))
    .update(bytes);
  const file = `snapshots/${name}-${hash.digest("hex").slice(0, 16)}.snapshot`;
  const stored = await cache.read(file);
  if (stored !== null) {
    // A damaged file in the cache is no reason to stop: it can be made again.
    const snapshot = await decodeSnapshot(stored).catch(() => null);
    if (snapshot !== null) return snapshot;
  }
  const snapshot = await make();
  await cache.write(file, await encodeSnapshot(snapshot, { comment }));
  return snapshot;
}
