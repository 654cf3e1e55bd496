import { createHash } from "node:crypto";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { createCleartextMessage, generateKey, type PrivateKey, sign } from "openpgp";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
  checkArchive,
  comparePins,
  rememberedCheck,
  verifyRelease,
} from "../../src/images/archive.js";
import { type Cache, openCache } from "../../src/node/cache.js";

const sha256 = (bytes: Uint8Array | string) => createHash("sha256").update(bytes).digest("hex");
const pin = (name: string, version: string, content: string) => ({
  suite: "bookworm",
  name,
  version,
  bytes: content.length,
  sha256: sha256(content),
  path: `pool/main/${name}.deb`,
});
const stanza = (name: string, version: string, content: string) =>
  `Package: ${name}\nVersion: ${version}\nSize: ${content.length}\nSHA256: ${sha256(content)}\n`;

const index = [
  stanza("busybox", "1.35", "a busybox"),
  stanza("busybox-static", "1:1.34", "an older one"),
  stanza("busybox-static", "1:1.35", "a program"),
  stanza("seabios", "1.16", "a BIOS"),
].join("\n");
const pins = [pin("busybox-static", "1:1.35", "a program"), pin("seabios", "1.16", "a BIOS")];

describe("pins and a package index", () => {
  test("that agree are listed", () => {
    expect(comparePins(pins, index)).toEqual({
      listed: ["busybox-static 1:1.35", "seabios 1.16"],
      pinOnly: [],
    });
  });

  test("a version that has left the index stands on its pin alone", () => {
    const left = pin("seabios", "1.15", "an older BIOS");
    expect(comparePins([left], index)).toEqual({ listed: [], pinOnly: ["seabios 1.15"] });
  });

  test("a version with another content there is an alarm", () => {
    const other = pin("seabios", "1.16", "not the BIOS");
    expect(() => comparePins([other], index)).toThrow(/another content for seabios 1.16/);
  });
});

describe("with an archive of our own", () => {
  let key: PrivateKey;
  let keyring: Uint8Array;
  let strangersKey: PrivateKey;
  let cache: Cache;
  let folder: string;
  let mirrorUrl: string;
  let files: Map<string, Uint8Array | string>;
  const server = createServer((request, response) => {
    const file = files.get(request.url ?? "");
    response.writeHead(file === undefined ? 404 : 200).end(file);
  });
  const newKey = async (date: Date, keyExpirationTime = 0) => {
    const userIDs = [{ name: "Archive", email: "archive@mirror.example" }];
    const made = await generateKey({ userIDs, date, keyExpirationTime, format: "object" });
    return made.privateKey;
  };
  const signed = async (text: string, signer: PrivateKey, date = new Date()) =>
    sign({ message: await createCleartextMessage({ text }), signingKeys: signer, date });
  const releaseOf = (packed: Uint8Array) =>
    "Origin: Test\nCodename: bookworm\nDate: Sat, 11 Jul 2026 10:16:37 UTC\nSHA256:\n" +
    ` ${sha256("x")}  1 main/binary-amd64/Packages.gz\n` +
    ` ${sha256(packed)} ${packed.length} main/binary-i386/Packages.gz\n`;

  beforeAll(async () => {
    key = await newKey(new Date());
    strangersKey = await newKey(new Date());
    keyring = key.toPublic().write();
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    mirrorUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "archive-test-"));
    cache = await openCache(folder);
    const packed = gzipSync(index);
    files = new Map<string, Uint8Array | string>([
      ["/dists/bookworm/InRelease", await signed(releaseOf(packed), key)],
      ["/dists/bookworm/main/binary-i386/Packages.gz", packed],
    ]);
    return () => rm(folder, { recursive: true });
  });
  const check = () => checkArchive(pins, { cache, mirrorUrl, keyring });

  test("signature, index and pins are followed to the end, and remembered", async () => {
    expect(await rememberedCheck(pins, cache)).toBeNull();
    const checks = await check();
    expect(checks).toEqual([
      {
        suite: "bookworm",
        date: "Sat, 11 Jul 2026 10:16:37 UTC",
        signedBy: [key.getKeyID().toHex()],
        listed: ["busybox-static 1:1.35", "seabios 1.16"],
        pinOnly: [],
      },
    ]);
    expect(await rememberedCheck(pins, cache)).toEqual(checks);
    expect(await rememberedCheck(pins.slice(1), cache)).toBeNull();
    expect(await readdir(join(folder, "archive"))).toHaveLength(1);
  });

  test("a record that is damaged is none", async () => {
    await check();
    const [name] = await readdir(join(folder, "archive"));
    await cache.write(`archive/${name ?? ""}`, Buffer.from("[{"));
    expect(await rememberedCheck(pins, cache)).toBeNull();
  });

  test("a release file that a stranger has signed is refused", async () => {
    files.set("/dists/bookworm/InRelease", await signed("Origin: Test\n", strangersKey));
    await expect(check()).rejects.toThrow(/bookworm is not signed by Debian/);
    expect(await rememberedCheck(pins, cache)).toBeNull();
  });

  test("a release file that was changed after it was signed is refused", async () => {
    const release = String(files.get("/dists/bookworm/InRelease"));
    files.set("/dists/bookworm/InRelease", release.replace("Origin: Test", "Origin: Evil"));
    await expect(check()).rejects.toThrow(/not signed by Debian/);
  });

  test("a release file that is none is refused", async () => {
    files.set("/dists/bookworm/InRelease", "<html>log in to this network first</html>");
    await expect(check()).rejects.toThrow(/not signed by Debian/);
  });

  test("text before the signed part does not count", async () => {
    const genuine = String(files.get("/dists/bookworm/InRelease"));
    const evil = gzipSync(index.replace(sha256("a BIOS"), sha256("evil")));
    files.set("/dists/bookworm/InRelease", `${releaseOf(evil)}\n${genuine}`);
    files.set("/dists/bookworm/main/binary-i386/Packages.gz", evil);
    await expect(check()).rejects.toThrow();
  });

  test("an index that is not the one of the release file is refused", async () => {
    files.set("/dists/bookworm/main/binary-i386/Packages.gz", gzipSync(`${index}\n`));
    await expect(check()).rejects.toMatchObject({ name: "FetchError" });
  });

  test("a release file that is newer than the mirror's index gives way to the one of the index", async () => {
    const packed = gzipSync(index);
    const newer = `Suite: stable\n${releaseOf(gzipSync(""))}`;
    const older = releaseOf(packed).replace("11 Jul", "10 May");
    files.set("/dists/bookworm/InRelease", await signed(newer, key));
    files.set("/dists/stable/InRelease", await signed(older, key));
    files.set("/dists/stable/main/binary-i386/Packages.gz", packed);
    const [found] = await check();
    expect(found).toMatchObject({ date: expect.stringContaining("10 May") as string, pinOnly: [] });

    files.set("/dists/stable/InRelease", await signed(older, strangersKey));
    await expect(check()).rejects.toThrow(/not signed by Debian/);
    const trixie = older.replace("bookworm", "trixie");
    files.set("/dists/stable/InRelease", await signed(trixie, key));
    await expect(check()).rejects.toMatchObject({ name: "FetchError" });
  });

  test("a release file of another suite is refused, whatever it lists", async () => {
    const ofSuite = (name: string) => releaseOf(gzipSync(index)).replace("bookworm", name);
    for (const name of ["bullseye", "bookworm-updates"]) {
      files.set("/dists/bookworm/InRelease", await signed(ofSuite(name), key));
      await expect(check()).rejects.toMatchObject({
        name: "ArchiveError",
        message: expect.stringContaining(`of ${name} in the place of that of bookworm`) as string,
      });
    }
    const stable = `Suite: bookworm\n${ofSuite("twelve")}`;
    files.set("/dists/bookworm/InRelease", await signed(stable, key));
    expect(await check()).toMatchObject([{ suite: "bookworm", pinOnly: [] }]);
  });

  test("an index that another process takes away or replaces is fetched again", async () => {
    for (const other of [null, gzipSync("")]) {
      let reads = 0;
      const shared: Cache = {
        ...cache,
        read: (name) => (reads++ === 0 ? Promise.resolve(other) : cache.read(name)),
      };
      const [found] = await checkArchive(pins, { cache: shared, mirrorUrl, keyring });
      expect(found).toMatchObject({ pinOnly: [] });
      expect(reads).toBe(2);
    }
  });

  test("an index that is taken away each time is given up", async () => {
    const shared: Cache = { ...cache, read: () => Promise.resolve(null) };
    await expect(checkArchive(pins, { cache: shared, mirrorUrl, keyring })).rejects.toThrow(
      /bookworm-Packages is removed or changed each time/,
    );
  });

  test("a release file without an index for this processor is refused", async () => {
    files.set("/dists/bookworm/InRelease", await signed("Codename: bookworm\nSHA256:\n", key));
    await expect(check()).rejects.toThrow(/lists none of main\/binary-i386/);
  });

  test("a key that has expired since it signed is good, and cannot sign any more", async () => {
    const year2020 = new Date("2020-01-01");
    const day = 86_400;
    const old = await newKey(year2020, 10 * day);
    const oldKeyring = old.toPublic().write();
    const inTime = await signed("x", old, new Date("2020-01-05"));
    expect((await verifyRelease("bookworm", inTime, oldKeyring)).text).toBe("x");
    await expect(signed("x", old, new Date("2020-02-01"))).rejects.toThrow(/expired/);
  });
});
