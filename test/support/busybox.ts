import { prepareFollowed } from "../../src/experiment/preparation.js";
import type { PreparedGuest } from "../../src/experiment/prepared-guest.js";

let prepared: Promise<PreparedGuest> | undefined;

/** The guest `busybox` from the cache, read once in each process of tests; who starts machines of it owns them. */
export function busybox(): Promise<PreparedGuest> {
  prepared ??= prepareFollowed("busybox", {
    show: () => undefined,
    signal: new AbortController().signal,
  });
  return prepared;
}
