import { prepareFollowed } from "../../src/experiment/preparation.js";
import type { PreparedGuest } from "../../src/experiment/prepared-guest.js";
import { QUIET } from "./quiet.js";

/** Gives a guest from the cache, read once in each process of tests; who starts machines of it owns them. */
export function preparedOnce(guest: string): () => Promise<PreparedGuest> {
  let prepared: Promise<PreparedGuest> | undefined;
  return () => (prepared ??= prepareFollowed(guest, QUIET));
}
