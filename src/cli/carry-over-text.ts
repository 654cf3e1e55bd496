import type { CarryOverFile } from "../experiment/carry-over-file.js";
import { columns } from "./columns.js";

/** What an update would do with files, for a person: each with the reason. */
export function describePlan({ carried, kept, conflicts }: CarryOverFile): string {
  const rows = [
    ...carried.map(({ path, action, why }) => [action, path, why]),
    ...kept.map(({ path, why }) => ["keep", path, why]),
    ...conflicts.map(({ path, why }) => ["conflict", path, why]),
  ];
  const end =
    conflicts.length > 0
      ? "The update would not be committed: settle each conflict with --ours PATH (the original's) or\n" +
        "--theirs PATH (the rebooted system's).\n"
      : "Nothing stands in the way of the update.\n";
  const none = "No file on the system disk changes while the guest reboots in the background.\n";
  return (rows.length > 0 ? columns(rows) : none) + end;
}
