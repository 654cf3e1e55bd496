import { prepareFollowed } from "../../src/experiment/preparation.js";
import type { PreparedGuest } from "../../src/experiment/prepared-guest.js";

let prepared: Promise<PreparedGuest> | undefined;

/** The guest `workbench` from the cache, read once in each process of tests; who starts machines of it owns them. */
export function workbench(): Promise<PreparedGuest> {
  prepared ??= prepareFollowed("workbench", {
    show: () => undefined,
    signal: new AbortController().signal,
  });
  return prepared;
}
