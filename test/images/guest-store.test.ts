import { createHash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  type GuestImages,
  packPages,
  storeGuest,
  takeGuest,
  unpackPages,
} from "../../src/images/guest-store.js";
import { type Cache, openCache } from "../../src/node/cache.js";
import { nonZeroPages, PAGE_SIZE, PagesError } from "../../src/storage/pages.js";

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

/** A disk of ten pages with something in the second and the last. */
function sparseDisk(): Uint8Array {
  const disk = new Uint8Array(10 * PAGE_SIZE);
  disk.set([1, 2, 3], PAGE_SIZE + 5);
  disk.set([4], disk.length - 1);
  return disk;
}

let folder: string;
let cache: Cache;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "guest-store-test-"));
  cache = await openCache(folder);
});
afterEach(() => rm(folder, { recursive: true }));

const images = (): GuestImages => ({
  bios: Uint8Array.of(1),
  vgaBios: Uint8Array.of(2),
  disks: [
    { name: "system", base: sparseDisk(), sha256: sha256(sparseDisk()) },
    { name: "home", base: new Uint8Array(PAGE_SIZE), sha256: sha256(new Uint8Array(PAGE_SIZE)) },
  ],
});

test("a guest comes out of the cache as it went in, its disks in shared memory", async () => {
  await storeGuest(cache, "guests/a", images());
  const taken = await takeGuest(cache, "guests/a");
  expect(taken?.disks.map(({ name }) => name)).toEqual(["system", "home"]);
  for (const { base, sha256: hash } of taken?.disks ?? []) {
    expect(base.buffer).toBeInstanceOf(SharedArrayBuffer);
    expect(sha256(base)).toBe(hash);
  }
  expect([...(taken?.bios ?? []), ...(taken?.vgaBios ?? [])]).toEqual([1, 2]);
});

test("a guest that was never stored is not there", async () => {
  expect(await takeGuest(cache, "guests/a")).toBeNull();
});

describe("a stored guest of which", () => {
  test.each(["bios.bin", "vgabios.bin", "system.pages", "home.pages", "guest.json"])(
    "%s is damaged or missing counts as not there",
    async (name) => {
      await storeGuest(cache, "guests/a", images());
      const file = `guests/a/${name}`;
      const content = Buffer.from((await cache.read(file)) ?? []);
      content.writeUInt8(content.readUInt8(0) ^ 1);
      await cache.write(file, content);
      expect(await takeGuest(cache, "guests/a")).toBeNull();
      await rm(cache.path(file));
      expect(await takeGuest(cache, "guests/a")).toBeNull();
    },
  );
});

describe("a stored disk", () => {
  const packed = () => Buffer.concat(packPages(nonZeroPages(sparseDisk())));

  test("has the bytes of the format", () => {
    const file = packed();
    expect(file.toString("hex", 0, 16)).toBe("0a000000" + "02000000" + "01000000" + "09000000");
    expect(file).toHaveLength(16 + 2 * PAGE_SIZE);
    expect(file.readUInt8(16 + 5)).toBe(1);
  });

  test("is read back as it was", () => {
    expect(unpackPages(new Uint8Array(packed()))).toEqual(nonZeroPages(sparseDisk()));
  });

  test("that is cut off or changed gives an error, or other contents of the same pages", () => {
    const file = packed();
    fc.assert(
      fc.property(fc.nat(40), fc.nat(255), fc.boolean(), (at, byte, cut) => {
        const hostile = cut ? file.subarray(0, at) : Buffer.from(file);
        if (!cut) hostile.writeUInt8(byte, at);
        try {
          const { pageCount, numbers } = unpackPages(hostile);
          expect(numbers.every((number) => number < pageCount)).toBe(true);
        } catch (error) {
          expect(error).toBeInstanceOf(PagesError);
        }
      }),
    );
  });
});
