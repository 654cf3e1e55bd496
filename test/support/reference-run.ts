import { readFile } from "node:fs/promises";
import { z } from "zod";

const rows = z.array(
  z.object({
    guest: z.string(),
    strategy: z.string(),
    downtimeMs: z.number().nullable(),
    digest: z.string().nullable(),
  }),
);

/** What the results in the repository say of an update of `busybox` by one strategy; times in virtual ms. */
export async function referenceRun(
  strategy: string,
): Promise<{ readonly downtimeMs: number; readonly digest: string }> {
  const file = new URL("../../results/data.json", import.meta.url);
  const all = rows.parse(JSON.parse(await readFile(file, "utf8")));
  const row = all.find((each) => each.guest === "busybox" && each.strategy === strategy);
  if (row?.digest == null || row.downtimeMs === null) {
    throw new Error(`results/data.json has no committed run of busybox by ${strategy}`);
  }
  return { downtimeMs: row.downtimeMs, digest: row.digest };
}
