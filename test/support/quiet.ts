import type { Follower } from "../../src/experiment/preparation.js";

/** Nobody who follows the work, and nobody who stops it. */
export const QUIET: Follower = { show: () => undefined, signal: new AbortController().signal };
