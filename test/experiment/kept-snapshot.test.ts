import { readdir, truncate } from "node:fs/promises";
import { expect, test } from "vitest";
import { keptSnapshot } from "../../src/experiment/kept-snapshot.js";
import { openCache } from "../../src/node/cache.js";
import { virtualMs } from "../../src/clock/virtual-time.js";
import { plainSnapshot, sampleSnapshot } from "../storage/sample-snapshot.js";
import { temporaryDirectory } from "./temporary-directory.js";

/** A cache of its own, and what keeps the sample in it and counts how often it had to be made. */
async function keeper() {
  const cache = await openCache(temporaryDirectory());
  let made = 0;
  return {
    cache,
    count: () => made,
    keep: (decides: readonly unknown[], bytes = new Uint8Array()) =>
      keptSnapshot(cache, { name: "sample", decides, bytes, comment: "a sample" }, () => {
        made++;
        return Promise.resolve({ ...sampleSnapshot, clock: virtualMs(made) });
      }),
  };
}

test("a snapshot is made once for all that decides it", async () => {
  const { keep, count } = await keeper();
  const first = await keep(["guest", 1]);
  expect(plainSnapshot(await keep(["guest", 1]))).toEqual(plainSnapshot(first));
  expect(count()).toBe(1);
  expect((await keep(["guest", 2])).clock).toBe(2);
  expect((await keep(["guest", 1], Uint8Array.of(7))).clock).toBe(3);
  expect((await keep(["guest", 1])).clock).toBe(1);
});

test("a snapshot whose file is damaged is made again", async () => {
  const { cache, keep } = await keeper();
  await keep([]);
  const [file = ""] = await readdir(cache.path("snapshots"));
  expect(file).toMatch(/^sample-[0-9a-f]{16}\.snapshot$/);
  await truncate(cache.path(`snapshots/${file}`), 1000);
  expect((await keep([])).clock).toBe(2);
  expect((await keep([])).clock).toBe(2);
});

test("what fails to be made leaves nothing behind", async () => {
  const { cache } = await keeper();
  const kept = { name: "sample", decides: [], comment: "" };
  const failing = keptSnapshot(cache, kept, () => Promise.reject(new Error("no boot")));
  await expect(failing).rejects.toThrow("no boot");
  expect(await cache.read("snapshots")).toBeNull();
});
