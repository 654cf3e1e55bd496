import type { Cache } from "../node/cache.js";
import { checkArchive, KEYRING_PACKAGE, keyringOf, rememberedCheck } from "./archive.js";
import { fetchFile } from "./fetch.js";
import { findMirror, type Mirror } from "./mirror.js";
import type { PinnedPackage } from "./packages.js";
import type { BuildOptions } from "./progress.js";
import { sha256 } from "./sha256.js";

/**
 * Gets packages from the cache, those that are missing or damaged there from the mirror, and checks them
 * against the archive's signature. It needs the network only if a package is missing, or if just these
 * pins have never been checked.
 *
 * @param pins what is needed; `KEYRING_PACKAGE` must be among it
 * @returns the `.deb` files by the names of their packages
 * @throws {NoMirrorError} if the network is needed and no mirror is known
 * @throws {FetchError} if the network is needed and does not give what is pinned
 * @throws {ArchiveError} if the archive's signature contradicts the pins
 * @throws {CacheError} if the cache cannot be read or written
 */
export async function supplyPackages(
  pins: readonly PinnedPackage[],
  options: BuildOptions,
): Promise<ReadonlyMap<string, Uint8Array>> {
  const { cache } = options;
  const debs = new Map<string, Uint8Array>();
  for (const pin of pins) {
    const deb = await cachedDeb(pin, cache);
    if (deb) debs.set(pin.name, deb);
  }
  const missing = pins.filter((pin) => !debs.has(pin.name));
  const isChecked = (await rememberedCheck(pins, cache)) !== null;
  if (missing.length === 0 && isChecked) return debs;

  const mirror = await findMirror();
  for await (const [name, deb] of download(missing, mirror, options)) debs.set(name, deb);
  if (!isChecked) await check(pins, debs, mirror, options);
  return debs;
}

/** A package from the cache, or null if it is not there as it should be. */
export async function cachedDeb(pin: PinnedPackage, cache: Cache): Promise<Uint8Array | null> {
  const deb = await cache.read(cacheName(pin));
  const intact = deb && sha256(deb) === pin.sha256;
  return intact ? deb : null;
}

async function* download(
  pins: readonly PinnedPackage[],
  mirror: Mirror,
  { cache, progress, signal }: BuildOptions,
): AsyncGenerator<[name: string, deb: Uint8Array]> {
  const total = pins.reduce((sum, pin) => sum + pin.bytes, 0);
  let before = 0;
  for (const pin of pins) {
    await fetchFile({ ...pin, url: `${mirror.url}/${pin.path}` }, cache.path(cacheName(pin)), {
      signal,
      onProgress: (bytes) => {
        progress({ step: "download", done: before + bytes, total, unit: "bytes" });
      },
    });
    before += pin.bytes;
    yield [pin.name, (await cache.read(cacheName(pin))) ?? new Uint8Array()];
  }
}

async function check(
  pins: readonly PinnedPackage[],
  debs: ReadonlyMap<string, Uint8Array>,
  mirror: Mirror,
  { cache, progress, signal }: BuildOptions,
): Promise<void> {
  const report = (done: number) => {
    progress({ step: "check", done, total: pins.length, unit: "packages" });
  };
  report(0);
  const keyring = await keyringOf(debs.get(KEYRING_PACKAGE) ?? new Uint8Array());
  await checkArchive(pins, { cache, mirrorUrl: mirror.url, keyring }, { signal });
  report(pins.length);
}

function cacheName(pin: PinnedPackage): string {
  return `packages/${pin.path.split("/").at(-1) ?? pin.name}`;
}
