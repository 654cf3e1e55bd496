import { expect, test } from "vitest";
import { updateBusybox } from "../support/update-busybox.js";

const UPDATES = 50;

test("fifty shadow reboots in one process give one digest, and leave no worker and no memory behind", async () => {
  const digests = new Set<string>();
  const residentMb: number[] = [];
  for (let count = 0; count < UPDATES; count++) {
    digests.add((await updateBusybox("shadow")).digest);
    globalThis.gc?.();
    residentMb.push(Math.round(process.memoryUsage.rss() / 2 ** 20));
    console.log(`${count + 1} of ${UPDATES}: ${residentMb.at(-1) ?? 0} MB resident`);
  }
  expect(digests.size).toBe(1);
  expect(process.getActiveResourcesInfo()).not.toContain("MessagePort");
  // The first ten fill caches; from then on memory stays level.
  const early = Math.max(...residentMb.slice(5, 15));
  const late = Math.max(...residentMb.slice(-10));
  expect(late).toBeLessThan(early * 1.2);
});
