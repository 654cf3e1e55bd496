import { updatedSnapshot } from "../../src/experiment/updated-snapshot.js";
import type { PreparedGuest } from "../../src/experiment/prepared-guest.js";
import type { Snapshot } from "../../src/storage/snapshot.js";
import { QUIET } from "./quiet.js";

/** A guest before and after an update, each at the end of its boot. */
export interface TwoKernels {
  readonly guest: PreparedGuest;
  readonly before: Snapshot;
  readonly after: Snapshot;
}

/** Boots a guest into its update `kernel`, once: the snapshot is kept in the cache. */
export async function twoKernels(guest: PreparedGuest): Promise<TwoKernels> {
  const after = await updatedSnapshot(guest, "kernel", QUIET);
  return { guest, before: guest.bootSnapshot, after };
}
