import { readFile } from "node:fs/promises";
import { z } from "zod";

/** Names of Debian packages and suites, and paths in an archive: nothing that could leave a folder. */
const word = z.string().regex(/^[a-z0-9][a-z0-9.+~-]*$/);

/** A pinned Debian package. The pin decides what is used: no other bytes than these ever are. */
const pinSchema = z.strictObject({
  /** The suite of the archive in which the package was found, such as `bookworm`. */
  suite: word,
  name: word,
  /** As in the package index, with epoch: `1:1.35.0-4`. */
  version: z.string().regex(/^[A-Za-z0-9.+~:-]+$/),
  /** Size of the `.deb` file in bytes. */
  bytes: z
    .int()
    .positive()
    .max(1 << 30),
  /** SHA-256 of the `.deb` file, in hexadecimal. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  /** Where the `.deb` file lies under the mirror's address. */
  path: z
    .string()
    .regex(/^pool\/[A-Za-z0-9.+~_%/-]+\.deb$/)
    .refine((path) => !path.split("/").includes("..")),
});

/** A pinned Debian package: one entry of `images/packages.json`. */
export type PinnedPackage = z.infer<typeof pinSchema>;

/** The folder of the recipes and the pins; it lies at the same place from `src` and from `dist`. */
export const imagesFolder = new URL("../../images/", import.meta.url);

/**
 * Reads the pins of every package that any guest needs.
 *
 * @throws {z.ZodError} if `images/packages.json` is not what the schema says
 */
export async function readPins(): Promise<readonly PinnedPackage[]> {
  const text = await readFile(new URL("packages.json", imagesFolder), "utf8");
  return z.array(pinSchema).parse(JSON.parse(text));
}

/**
 * Finds a package among the pins.
 *
 * @param wanted its name, or name and suite: `openssl/bookworm-updates`
 * @param usualSuite where it is taken from if that is not said and there are several
 * @throws {RangeError} if it is not pinned
 */
export function pinOf(
  pins: readonly PinnedPackage[],
  wanted: string,
  usualSuite = "bookworm",
): PinnedPackage {
  const [name = "", suite] = wanted.split("/");
  const found = pins.filter((pin) => pin.name === name && (suite ?? pin.suite) === pin.suite);
  const pin = found.find((each) => each.suite === usualSuite) ?? found[0];
  if (pin) return pin;
  throw new RangeError(`the package ${wanted} is not pinned in images/packages.json`);
}
