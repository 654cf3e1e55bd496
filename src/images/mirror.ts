/*
 * Where Debian packages come from.
 *
 * References: sources.list(5) for both formats of apt's sources, apt-transport-mirror(1) for mirror
 * lists.
 */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

/** Where Debian packages come from. */
export interface Mirror {
  /** Address of the archive without a slash at its end; `dists` and `pool` lie under it. */
  readonly url: string;
  /** Where the address was found, for messages: a file or an environment variable. */
  readonly from: string;
}

/** It is not known where Debian packages come from. */
export class NoMirrorError extends Error {
  override readonly name = "NoMirrorError";
}

/** Suites of the main archive by which its entry is told from others such as `bookworm-security`. */
const mainSuites = new Set(
  (
    "bullseye bookworm trixie forky duke sid " +
    "oldoldstable oldstable stable testing unstable experimental"
  ).split(" "),
);

/** The component that all packages of the recipes are in. */
const MAIN = "main";

/**
 * Finds the Debian mirror: `$SHADOW_REBOOT_MIRROR`, else the one that this system's apt uses.
 *
 * @param aptFolder apt's configuration; systems without apt have no such folder
 * @throws {NoMirrorError} if there is neither; it says what to set
 */
export async function findMirror(
  env: Readonly<Record<string, string | undefined>> = process.env,
  aptFolder = "/etc/apt",
): Promise<Mirror> {
  const chosen = env.SHADOW_REBOOT_MIRROR;
  if (chosen) {
    if (isHttp(chosen)) return { url: withoutSlash(chosen), from: "SHADOW_REBOOT_MIRROR" };
    throw new NoMirrorError(
      `SHADOW_REBOOT_MIRROR is "${chosen}", not an http or https address; ${example}`,
    );
  }
  for (const file of await sourceFiles(aptFolder)) {
    const text = await readIfThere(file);
    const addresses = file.endsWith(".sources") ? stanzas(text) : lines(text);
    for (const address of addresses) {
      const url = await resolve(address);
      // Other archives have suites of the same names: those of a browser, say.
      if (url?.includes("debian")) return { url: withoutSlash(url), from: file };
    }
  }
  throw new NoMirrorError(
    `this system has no apt source for Debian, so it is not known where to get packages from; ${example}`,
  );
}

const example =
  "set SHADOW_REBOOT_MIRROR to the address of a Debian mirror, " +
  "for example SHADOW_REBOOT_MIRROR=https://<a Debian mirror>/debian";

/** All of apt's source files, in the order in which apt reads them. */
async function sourceFiles(aptFolder: string): Promise<string[]> {
  const parts = join(aptFolder, "sources.list.d");
  const names = await readdir(parts).catch(() => []);
  const wanted = names.filter((name) => /\.(list|sources)$/.test(name)).sort();
  return [join(aptFolder, "sources.list"), ...wanted.map((name) => join(parts, name))];
}

async function readIfThere(file: string): Promise<string> {
  return await readFile(file, "utf8").catch(() => "");
}

/** Addresses of the main archive in a file of one-line entries: `deb [options] address suite component ...`. */
function lines(text: string): string[] {
  return text.split("\n").flatMap((line) => {
    const [, address, suite, components = ""] =
      /^\s*deb\s+(?:\[[^\]]*\]\s*)?(\S+)\s+(\S+)(.*)/.exec(line) ?? [];
    if (address === undefined || suite === undefined || !mainSuites.has(suite)) return [];
    return components.split(/\s+/).includes(MAIN) ? [address] : [];
  });
}

/** Addresses of the main archive in a file of deb822 stanzas. */
function stanzas(text: string): string[] {
  const withoutComments = text.replace(/^#.*\n?/gm, "");
  return withoutComments.split(/\n\s*\n/).flatMap((stanza) => {
    const words = (field: string): string[] => {
      const match = new RegExp(`^${field}:((?:.|\\n[ \\t])*)`, "im").exec(stanza);
      return match?.[1]?.split(/\s+/).filter((word) => word !== "") ?? [];
    };
    const enabled = words("Enabled")[0]?.toLowerCase() !== "no";
    const main = words("Suites").some((suite) => mainSuites.has(suite));
    const isMain = main && words("Components").includes(MAIN);
    return enabled && isMain && words("Types").includes("deb") ? words("URIs") : [];
  });
}

/** An address as fetch understands it. Debian's cloud images name a file with a list of mirrors. */
async function resolve(address: string): Promise<string | undefined> {
  if (isHttp(address)) return address;
  const list = /^mirror\+file:(?:\/\/)?(\/.*)$/.exec(address)?.[1];
  if (list === undefined) return undefined;
  const addresses = (await readIfThere(list)).split(/\s+/);
  return addresses.find(isHttp);
}

function isHttp(address: string): boolean {
  return URL.canParse(address) && /^https?:$/.test(new URL(address).protocol);
}

function withoutSlash(url: string): string {
  return url.replace(/\/+$/, "");
}
