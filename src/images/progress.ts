import type { Cache } from "../node/cache.js";

/** How far a build is. */
export interface BuildProgress {
  readonly step: "download" | "check" | "unpack" | "build";
  readonly done: number;
  readonly total: number;
  readonly unit: "bytes" | "packages" | "steps";
}

/** What every part of a build gets. */
export interface BuildOptions {
  readonly cache: Cache;
  /** Told when something has got on. */
  readonly progress: (progress: BuildProgress) => void;
  /** Stops the build, which then rejects with the signal's reason and leaves nothing half-written. */
  readonly signal?: AbortSignal | undefined;
}
