import { prepareFollowed } from "../../src/experiment/preparation.js";
import { progressLine } from "../../src/experiment/progress.js";

/**
 * Runs once before all test files: the guest that they share is in the cache afterwards, so that no two
 * of them build and boot it at the same time.
 */
export default async function prepare(): Promise<void> {
  const { show, end } = progressLine();
  try {
    await prepareFollowed("busybox", { show, signal: new AbortController().signal });
  } finally {
    end();
  }
}
