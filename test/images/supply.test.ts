import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { createCleartextMessage, generateKey, sign } from "openpgp";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { KEYRING_PACKAGE, rememberedCheck } from "../../src/images/archive.js";
import type { PinnedPackage } from "../../src/images/packages.js";
import type { BuildProgress } from "../../src/images/progress.js";
import { sha256 } from "../../src/images/sha256.js";
import { supplyPackages } from "../../src/images/supply.js";
import { type Cache, openCache } from "../../src/node/cache.js";
import { debOf } from "./package-fixture.js";

/** A small Debian archive on this machine, signed with a key of its own. */
let files: Map<string, Uint8Array | string>;
let asked: string[];
let pins: PinnedPackage[];
let cache: Cache;
let folder: string;
const server = createServer((request, response) => {
  asked.push(request.url ?? "");
  const file = files.get(request.url ?? "");
  response.writeHead(file === undefined ? 404 : 200).end(file);
});

beforeEach(async () => {
  const userIDs = [{ name: "Archive" }];
  const { privateKey } = await generateKey({ userIDs, format: "object" });
  const keyring = privateKey.toPublic().write();
  const debs = new Map([
    ["hello", await debOf([{ name: "./bin/hello", content: "hello" }])],
    [
      KEYRING_PACKAGE,
      await debOf([
        { name: "./usr/share/keyrings/debian-archive-keyring.gpg", content: Buffer.from(keyring) },
      ]),
    ],
  ]);
  pins = [...debs].map(([name, deb]) => ({
    suite: "bookworm",
    name,
    version: "1.0",
    bytes: deb.length,
    sha256: sha256(deb),
    path: `pool/main/${name}_1.0_i386.deb`,
  }));
  const index = gzipSync(
    pins
      .map(
        (pin) => `Package: ${pin.name}\nVersion: 1.0\nSize: ${pin.bytes}\nSHA256: ${pin.sha256}\n`,
      )
      .join("\n"),
  );
  const text = `Codename: bookworm\nDate: today\nSHA256:\n ${sha256(index)} ${index.length} main/binary-i386/Packages.gz\n`;
  const message = await createCleartextMessage({ text });
  files = new Map<string, Uint8Array | string>([
    ["/dists/bookworm/InRelease", await sign({ message, signingKeys: privateKey })],
    ["/dists/bookworm/main/binary-i386/Packages.gz", index],
    ...pins.map((pin) => [`/${pin.path}`, debs.get(pin.name) ?? ""] as const),
  ]);
  asked = [];
  folder = await mkdtemp(join(tmpdir(), "supply-test-"));
  cache = await openCache(folder);
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as AddressInfo;
  vi.stubEnv("SHADOW_REBOOT_MIRROR", `http://127.0.0.1:${port}`);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  server.closeAllConnections();
  await new Promise((done) => server.close(done));
  await rm(folder, { recursive: true });
});

const supply = (events: BuildProgress[] = []) =>
  supplyPackages(pins, { cache, progress: (progress) => events.push(progress) });

test("packages are fetched with progress and checked; after that no network is needed", async () => {
  const events: BuildProgress[] = [];
  const first = await supply(events);
  expect([...first.keys()].sort()).toEqual([KEYRING_PACKAGE, "hello"]);
  const checks = await rememberedCheck(pins, cache);
  expect(checks?.[0]?.listed).toEqual(["hello 1.0", `${KEYRING_PACKAGE} 1.0`]);
  const total = pins.reduce((sum, pin) => sum + pin.bytes, 0);
  expect(events).toContainEqual({ step: "download", done: total, total, unit: "bytes" });
  expect(events.at(-1)).toEqual({ step: "check", done: 2, total: 2, unit: "packages" });

  asked = [];
  vi.stubEnv("SHADOW_REBOOT_MIRROR", "no address at all");
  const second = await supply();
  expect([...second.keys()].sort()).toEqual([...first.keys()].sort());
  expect(asked).toEqual([]);
});

test("a package that is damaged in the cache is fetched again, and only that", async () => {
  await supply();
  await cache.write("packages/hello_1.0_i386.deb", Buffer.from("damaged"));
  asked = [];
  const debs = await supply();
  expect(sha256(debs.get("hello") ?? "")).toBe(pins[0]?.sha256);
  expect(asked).toEqual(["/pool/main/hello_1.0_i386.deb"]);
});

test("a mirror that has lost a package is named with what to do", async () => {
  files.delete("/pool/main/hello_1.0_i386.deb");
  await expect(supply()).rejects.toThrow(
    /does not have .*hello_1.0_i386.deb.*SHADOW_REBOOT_MIRROR/,
  );
});

test("packages are not used before the archive's signature was checked", async () => {
  files.set("/dists/bookworm/InRelease", "nothing that is signed");
  await expect(supply()).rejects.toMatchObject({ name: "ArchiveError" });
  await expect(supply()).rejects.toMatchObject({ name: "ArchiveError" });
});
