import { createHash } from "node:crypto";
import { readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { BOOTING, keptSnapshot } from "../../src/experiment/kept-snapshot.js";
import { programSha256 } from "../../src/experiment/program-sha256.js";
import { openCache } from "../../src/node/cache.js";
import { sampleSnapshot } from "../storage/sample-snapshot.js";
import { temporaryDirectory } from "./temporary-directory.js";

const KEPT = { name: "guest", decides: ["a disk"], comment: "for a test" };

/** How often a snapshot is made when it is asked for. */
async function madeFor(folder: string, kept = KEPT): Promise<number> {
  let made = 0;
  await keptSnapshot(await openCache(folder), kept, () => {
    made++;
    return Promise.resolve(sampleSnapshot);
  });
  return made;
}

test("a snapshot is made once, and anew when what decides it is another, or its file is damaged", async () => {
  const folder = temporaryDirectory();
  expect(await madeFor(folder)).toBe(1);
  expect(await madeFor(folder)).toBe(0);
  expect(await madeFor(folder, { ...KEPT, decides: ["another disk"] })).toBe(1);
  for (const name of readdirSync(path.join(folder, "snapshots"))) {
    writeFileSync(path.join(folder, "snapshots", name), "not a snapshot");
  }
  expect(await madeFor(folder)).toBe(1);
});

test("what the program is that computes boots is part of the name", async () => {
  const folder = temporaryDirectory();
  await madeFor(folder);
  const expected = createHash("sha256")
    .update(JSON.stringify(KEPT.decides))
    .update(programSha256(BOOTING))
    .digest("hex");
  expect(readdirSync(path.join(folder, "snapshots"))).toEqual([
    `guest-${expected.slice(0, 16)}.snapshot`,
  ]);
});
