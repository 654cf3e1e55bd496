/*
 * Checks that pinned packages are Debian's own, through the archive's signature.
 *
 * References: apt-secure(8); the Debian wiki's page on repository formats (InRelease, Packages);
 * RFC 9580, section 7 (cleartext signatures).
 */
import { rm } from "node:fs/promises";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { readCleartextMessage, readKeys, verify } from "openpgp";
import { z } from "zod";
import type { Cache } from "../node/cache.js";
import { unpackDeb } from "./deb.js";
import { fetchFile, fetchSmall, type KnownFile } from "./fetch.js";
import { FetchError, type FetchOptions, otherMirror } from "./http.js";
import type { PinnedPackage } from "./packages.js";
import { sha256 } from "./sha256.js";
import { unxz } from "./xz.js";

/** The archive's signature does not cover the packages that are pinned. */
export class ArchiveError extends Error {
  override readonly name = "ArchiveError";
}

const suiteCheckSchema = z.strictObject({
  suite: z.string(),
  /** When Debian made the index that was looked at, in its own words. */
  date: z.string(),
  /** OpenPGP IDs of the keys whose signature under the index is good. */
  signedBy: z.array(z.string()).min(1),
  /** Packages that the index lists with the size and the hash of their pin. */
  listed: z.array(z.string()),
  /** Packages whose version the index no longer lists: for them the pin alone is the authority. */
  pinOnly: z.array(z.string()),
});

/** What a check of the pinned packages of one suite has found. */
export type SuiteCheck = z.infer<typeof suiteCheckSchema>;

/** Where the check gets its files from. */
export interface ArchiveAccess {
  readonly cache: Cache;
  /** Address of the archive. */
  readonly mirrorUrl: string;
  /** Debian's public keys, from its pinned package. */
  readonly keyring: Uint8Array;
}

/** The pinned package with Debian's public keys: its pin is the anchor of trust. */
export const KEYRING_PACKAGE = "debian-archive-keyring";

const keyringPath = "usr/share/keyrings/debian-archive-keyring.gpg";

/** Several times what Debian's files have today. */
const maxReleaseBytes = 8 << 20;
const maxIndexBytes = 256 << 20;

/** A release file lists a package index in one of these forms, or in several. */
const indexNames = ["main/binary-i386/Packages.gz", "main/binary-i386/Packages.xz"];

/**
 * What an earlier check of exactly these pins has found, or null. It needs no network.
 *
 * @throws {CacheError} if the cache cannot be read
 */
export async function rememberedCheck(
  pins: readonly PinnedPackage[],
  cache: Cache,
): Promise<readonly SuiteCheck[] | null> {
  const found = await cache.read(recordName(pins));
  if (found === null) return null;
  const checks = z.array(suiteCheckSchema).safeParse(parseJson(found));
  // A damaged record is none: the check is made again.
  return checks.success ? checks.data : null;
}

/**
 * Checks that Debian's signed index lists the pinned packages with their pinned contents, and remembers
 * what it found in the cache.
 *
 * @throws {ArchiveError} if there is no good signature, or a package has another content there
 * @throws {FetchError} if the index cannot be fetched
 */
export async function checkArchive(
  pins: readonly PinnedPackage[],
  access: ArchiveAccess,
  options: FetchOptions = {},
): Promise<readonly SuiteCheck[]> {
  const checks: SuiteCheck[] = [];
  for (const suite of new Set(pins.map((pin) => pin.suite))) {
    const ofSuite = pins.filter((pin) => pin.suite === suite);
    checks.push(await checkSuite(suite, ofSuite, access, options));
  }
  await access.cache.write(recordName(pins), Buffer.from(JSON.stringify(checks, null, 2)));
  return checks;
}

async function checkSuite(
  suite: string,
  pins: readonly PinnedPackage[],
  access: ArchiveAccess,
  options: FetchOptions,
): Promise<SuiteCheck> {
  const signed = await fetchRelease(suite, suite, access, options);
  checkIsOf(suite, signed);
  const { release, index } = await fetchIndex(signed, suite, access, options).catch(
    async (problem: unknown) => {
      const older = await otherRelease(signed, suite, access, options);
      if (!(problem instanceof FetchError) || older === null) throw problem;
      return await fetchIndex(older, suite, access, options);
    },
  );
  return {
    suite,
    date: field(release.text, "Date") ?? "unknown",
    signedBy: release.signedBy,
    ...comparePins(pins, index),
  };
}

/** A release file whose signature is good. */
interface Release {
  /** The folder of `dists` in which it lies: the suite's name, or another name of it. */
  readonly folder: string;
  readonly text: string;
  readonly signedBy: string[];
}

async function fetchRelease(
  folder: string,
  suite: string,
  { mirrorUrl, keyring }: ArchiveAccess,
  options: FetchOptions,
): Promise<Release> {
  const url = `${mirrorUrl}/dists/${folder}/InRelease`;
  const text = await fetchSmall(url, maxReleaseBytes, { ...options, onProgress: undefined });
  return { folder, ...(await verifyRelease(suite, new TextDecoder().decode(text), keyring)) };
}

/**
 * A good signature alone does not say that the release file belongs where it lies: another suite's would leave
 * every package to its pin.
 *
 * @throws {ArchiveError} if it is not of this suite
 */
function checkIsOf(suite: string, { text }: Release): void {
  const names = [field(text, "Codename"), field(text, "Suite")];
  if (names.includes(suite)) return;
  throw new ArchiveError(
    `the mirror has the release file of ${names[0] ?? "no suite"} in the place of that of ${suite}: ${otherMirror}`,
  );
}

/**
 * The release file of a suite under its other name, `stable` for `trixie`, or null if there is none. A
 * mirror that is being filled may have a newer release file than index; under the other name both may still
 * be older ones that belong together, and are as good.
 */
async function otherRelease(
  release: Release,
  suite: string,
  access: ArchiveAccess,
  options: FetchOptions,
): Promise<Release | null> {
  const name = field(release.text, "Suite");
  if (name === undefined || name === suite || !/^[a-z][a-z0-9-]*$/.test(name)) return null;
  const other = await fetchRelease(name, suite, access, options);
  return field(other.text, "Codename") === suite ? other : null;
}

/** The package index that a release file lists. */
async function fetchIndex(
  release: Release,
  suite: string,
  { cache, mirrorUrl }: ArchiveAccess,
  options: FetchOptions,
): Promise<{ readonly release: Release; readonly index: string }> {
  const entry = releaseEntry(suite, release.text);
  const file = `archive/${suite}-Packages`;
  const url = `${mirrorUrl}/dists/${release.folder}/${entry.name}`;
  const packed = await fetchIntact({ ...entry, url }, file, cache, options);
  const index = await unpackIndex(entry.name, packed).catch((cause: unknown) => {
    throw new ArchiveError(`the package index of ${suite} cannot be unpacked`, { cause });
  });
  // Large, of no use any more, and there again in a second.
  await rm(cache.path(file), { force: true });
  return { release, index: index.toString("utf8") };
}

/** How often a file is fetched that others who check the same suite replace or remove before it is read. */
const mostFetches = 5;

/**
 * A file of the archive, by way of the cache.
 *
 * @throws {ArchiveError} if it is gone or another one each time that it is to be read
 */
async function fetchIntact(
  known: KnownFile,
  file: string,
  cache: Cache,
  options: FetchOptions,
): Promise<Uint8Array> {
  for (let fetches = 0; fetches < mostFetches; fetches++) {
    await fetchFile(known, cache.path(file), options);
    const found = await cache.read(file);
    if (found !== null && sha256(found) === known.sha256) return found;
  }
  throw new ArchiveError(
    `${cache.path(file)} is removed or changed each time it has been fetched: wait until no other ` +
      "shadow-reboot downloads packages, and start again",
  );
}

async function unpackIndex(name: string, packed: Uint8Array): Promise<Buffer> {
  if (name.endsWith(".gz")) {
    return await promisify(gunzip)(packed, { maxOutputLength: maxIndexBytes });
  }
  const pieces: Uint8Array[] = [];
  for await (const piece of unxz(packed, maxIndexBytes)) pieces.push(piece);
  return Buffer.concat(pieces);
}

/**
 * Checks the signatures of a release file. It does not matter whether a key has expired since.
 *
 * @returns the signed text, and the IDs of the keys that signed it
 * @throws {ArchiveError} if no key of the keyring has signed it
 */
export async function verifyRelease(
  suite: string,
  inRelease: string,
  keyring: Uint8Array,
): Promise<{ readonly text: string; readonly signedBy: string[] }> {
  try {
    const message = await readCleartextMessage({ cleartextMessage: inRelease });
    const keys = await readKeys({ binaryKeys: keyring });
    const verificationKeys = keys.map((key) => key.toPublic());
    const { data, signatures } = await verify({ message, verificationKeys });
    const signedBy: string[] = [];
    const problems: string[] = [];
    for (const { keyID, verified } of signatures) {
      await verified.then(
        () => signedBy.push(keyID.toHex()),
        (problem: unknown) => problems.push((problem as Error).message),
      );
    }
    if (signedBy.length > 0) return { text: data, signedBy };
    throw new Error(problems.join("; ") || "it has no signature");
  } catch (cause) {
    throw new ArchiveError(
      `the release file of ${suite} is not signed by Debian: ${(cause as Error).message}; ` +
        `check this computer's clock, or ${otherMirror}`,
      { cause },
    );
  }
}

/** Name, size and hash of the package index, as a release file lists them. */
function releaseEntry(suite: string, release: string) {
  const hashes = /^SHA256:\n((?: .*\n?)*)/m.exec(release)?.[1] ?? "";
  const entries = hashes.split("\n").map((line) => line.trim().split(/\s+/));
  for (const indexName of indexNames) {
    const [sha256 = "", bytes] = entries.find(([, , name]) => name === indexName) ?? [];
    if (/^[0-9a-f]{64}$/.test(sha256)) return { name: indexName, bytes: Number(bytes), sha256 };
  }
  throw new ArchiveError(
    `the release file of ${suite} lists none of ${indexNames.join(", ")}: ${otherMirror}`,
  );
}

/**
 * Compares pins with a package index.
 *
 * @throws {ArchiveError} if the index has another content for the version that is pinned
 */
export function comparePins(
  pins: readonly PinnedPackage[],
  index: string,
): { listed: string[]; pinOnly: string[] } {
  const listed: string[] = [];
  const pinOnly: string[] = [];
  const lines = `\n${index}`;
  for (const { name, version, bytes, sha256 } of pins) {
    const stanza = findStanza(lines, name, version);
    if (stanza === null) {
      pinOnly.push(`${name} ${version}`);
    } else if (field(stanza, "SHA256") === sha256 && field(stanza, "Size") === String(bytes)) {
      listed.push(`${name} ${version}`);
    } else {
      throw new ArchiveError(
        `Debian's signed index has another content for ${name} ${version} than images/packages.json ` +
          "pins: one of them was tampered with; do not use this copy of the program",
      );
    }
  }
  return { listed, pinOnly };
}

/** The stanza of a package in an index that starts with an empty line. */
function findStanza(index: string, name: string, version: string): string | null {
  const start = `\nPackage: ${name}\n`;
  for (let at = index.indexOf(start); at >= 0; at = index.indexOf(start, at + 1)) {
    const end = index.indexOf("\n\n", at + 1);
    const stanza = index.slice(at, end < 0 ? undefined : end);
    if (field(stanza, "Version") === version) return stanza;
  }
  return null;
}

function field(stanza: string, name: string): string | undefined {
  return new RegExp(`^${name}: (.*)$`, "m").exec(stanza)?.[1];
}

/**
 * Takes Debian's public keys out of their package.
 *
 * @throws {DebError} if the package is damaged
 */
export async function keyringOf(deb: Uint8Array): Promise<Uint8Array> {
  const file = (await unpackDeb(deb, (path) => path === keyringPath)).get(keyringPath);
  if (file?.kind === "file") return file.content;
  throw new ArchiveError(`the package ${KEYRING_PACKAGE} has no ${keyringPath}`);
}

function recordName(pins: readonly PinnedPackage[]): string {
  return `archive/checked-${sha256(JSON.stringify(pins)).slice(0, 16)}.json`;
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return null;
  }
}
