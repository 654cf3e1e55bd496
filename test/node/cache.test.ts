import { mkdtemp, mkdir, readdir, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { cacheFolder, openCache } from "../../src/node/cache.js";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "cache-test-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (content: Uint8Array | null) => content && new TextDecoder().decode(content);

describe("where the cache lies", () => {
  test("the user's own choice comes first", () => {
    const env = { SHADOW_REBOOT_CACHE: "/mine", XDG_CACHE_HOME: "/xdg" };
    expect(cacheFolder(env, "linux", "/home/u")).toBe("/mine");
  });

  test("then the desktop's, then the platform's", () => {
    expect(cacheFolder({ XDG_CACHE_HOME: "/xdg" }, "linux", "/home/u")).toBe("/xdg/shadow-reboot");
    expect(cacheFolder({}, "linux", "/home/u")).toBe("/home/u/.cache/shadow-reboot");
    expect(cacheFolder({}, "darwin", "/Users/u")).toBe("/Users/u/Library/Caches/shadow-reboot");
    expect(cacheFolder({ LOCALAPPDATA: "/local" }, "win32", "/u")).toBe("/local/shadow-reboot");
  });
});

test("a file that was written is read back, in a folder of its own", async () => {
  const cache = await openCache(join(folder, "new"));
  expect(await cache.read("packages/a.deb")).toBeNull();
  await cache.write("packages/a.deb", bytes("first "), bytes("second"));
  expect(text(await cache.read("packages/a.deb"))).toBe("first second");
  await cache.write("packages/a.deb", bytes("third"));
  expect(text(await cache.read("packages/a.deb"))).toBe("third");
});

test("many writers of one file leave one whole file and nothing else", async () => {
  const cache = await openCache(folder);
  const contents = ["a", "b", "c", "d"].map((letter) => letter.repeat(100_000));
  await Promise.all(contents.map((content) => cache.write("x/file", bytes(content))));
  expect(contents).toContain(text(await cache.read("x/file")));
  expect(await readdir(join(folder, "x"))).toEqual(["file"]);
});

test("a write that fails leaves what was there, and says how to go on", async () => {
  const cache = await openCache(folder);
  await cache.write("taken/file", bytes("old"));
  // A file stands where a folder would have to be: no user, not even root, can write there.
  await expect(cache.write("taken/file/below", bytes("new"))).rejects.toThrow(
    /cannot write .*below.*SHADOW_REBOOT_CACHE/,
  );
  await expect(cache.write("taken", bytes("new"))).rejects.toThrow(/SHADOW_REBOOT_CACHE/);
  expect(await readdir(folder)).toEqual(["taken"]);
  expect(text(await cache.read("taken/file"))).toBe("old");
});

test("files of the user that lie beside the cache's own folders stay", async () => {
  await mkdir(join(folder, "mine"));
  await mkdir(join(folder, "packages", "folder.tmp"), { recursive: true });
  const long = new Date(Date.now() - 100 * 3600 * 1000);
  for (const name of ["film.part", "mine/letter.tmp"]) {
    await writeFile(join(folder, name), "x");
    await utimes(join(folder, name), long, long);
  }
  await utimes(join(folder, "packages", "folder.tmp"), long, long);
  await openCache(folder);
  expect((await readdir(folder, { recursive: true })).sort()).toEqual([
    "film.part",
    "mine",
    "mine/letter.tmp",
    "packages",
    "packages/folder.tmp",
  ]);
});

test("what an interrupted run left is removed after a day, not before", async () => {
  await mkdir(join(folder, "packages"));
  const yesterday = new Date(Date.now() - 25 * 3600 * 1000);
  for (const name of ["old.tmp", "old.part", "young.tmp", "young.part", "old.deb"]) {
    const path = join(folder, "packages", name);
    await writeFile(path, "x");
    if (name.startsWith("old")) await utimes(path, yesterday, yesterday);
  }
  await openCache(folder);
  expect((await readdir(join(folder, "packages"))).sort()).toEqual([
    "old.deb",
    "young.part",
    "young.tmp",
  ]);
});
