/*
 * What a file to be imported is.
 *
 * References: POSIX pax, "ustar Interchange Format" (magic at 257); RFC 1952 (gzip); The .xz File Format,
 * section 2.1.1.1; qcow2 in QEMU's docs/interop; ECMA-119, section 8.1 (CD001); UEFI, section 5.2.1 (MBR).
 */
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { ImportError } from "./import-error.js";
import { sharedImage } from "./guest-store.js";
import { plainTar } from "./import-tar.js";
import { SECTOR_BYTES } from "./mbr.js";
import { unxz } from "./xz.js";
import { nonZeroPages, PAGE_SIZE } from "../storage/pages.js";

/** A system, as somebody has it. */
export interface ImportSource {
  readonly kind: "disk" | "tarball";
  /** The raw disk, or the tar archive without compression, in whole pages. */
  readonly content: Uint8Array;
  /** What is not as it was in the file, a line each for a person. */
  readonly remarks: readonly string[];
}

/** The largest disk that the emulated PC takes, in bytes. */
export const LARGEST_DISK = 2047 << 20;

/** Beginnings of files that somebody may try, and what to do with them. */
const REFUSED: readonly [what: string, at: number, magic: string, way: string][] = [
  ["a qcow2 image", 0, "QFI\xfb", 'convert it: "qemu-img convert -O raw IN OUT"'],
  ["a VMDK image", 0, "KDMV", 'convert it: "qemu-img convert -O raw IN OUT"'],
  ["a VirtualBox image", 0, "<<< ", 'convert it: "qemu-img convert -O raw IN OUT"'],
  ["an ISO 9660 image", 32769, "CD001", "install the system from it first, and import the disk"],
  ["compressed with bzip2", 0, "BZh", "unpack it first"],
  ["compressed with zstd", 0, "\x28\xb5\x2f\xfd", "unpack it first"],
  ["a Zip archive", 0, "PK\x03\x04", "unpack it first"],
  ["a squashfs file system", 0, "hsqs", "unpack it and pack its files with tar"],
];

/**
 * Finds out what a file is, and unpacks it if it is compressed with gzip or xz.
 *
 * @param name what messages call it
 * @throws {ImportError} if it is neither a raw disk image nor a tar archive, or it is too large
 */
export async function readSource(name: string, file: Uint8Array): Promise<ImportSource> {
  if (file.length === 0) throw new ImportError(`${name} is empty.`);
  const content = await decompressed(name, file);
  for (const [what, at, magic, way] of REFUSED) {
    if (text(content, at, magic.length) === magic) {
      throw new ImportError(`${name} is ${what}: ${way}.`);
    }
  }
  const isTar = text(content, 257, 5) === "ustar";
  if (!isTar && (content[510] !== 0x55 || content[511] !== 0xaa)) {
    throw new ImportError(
      `${name} is neither a tar archive nor a disk image with a boot sector: give a raw image of a whole ` +
        "disk, or the root of a system packed with tar.",
    );
  }
  if (content.length > LARGEST_DISK) {
    throw new ImportError(
      `${name} has ${mebibytes(content.length)} MiB; a disk of the emulated PC has at most ` +
        `${mebibytes(LARGEST_DISK)}: shrink it, or pack its files with tar.`,
    );
  }
  if (isTar) {
    const { pieces, withoutAttributes } = plainTar(name, content);
    const remarks =
      withoutAttributes === 0
        ? []
        : [
            `${withoutAttributes} files are without their extended attributes (labels, capabilities)`,
          ];
    return { kind: "tarball", content: wholePages(pieces), remarks };
  }
  if (content.length % SECTOR_BYTES !== 0) {
    throw new ImportError(`${name} is cut off: its size is not a number of whole sectors.`);
  }
  return { kind: "disk", content: wholePages([content]), remarks: [] };
}

async function decompressed(name: string, file: Uint8Array): Promise<Uint8Array> {
  try {
    if (text(file, 0, 2) === "\x1f\x8b") {
      return await promisify(gunzip)(file, { maxOutputLength: LARGEST_DISK });
    }
    if (text(file, 0, 6) !== "\xfd7zXZ\0") return file;
    const pieces: Uint8Array[] = [];
    for await (const piece of unxz(file, LARGEST_DISK)) pieces.push(piece.slice());
    return Buffer.concat(pieces);
  } catch (cause) {
    throw new ImportError(
      `${name} cannot be unpacked (${(cause as Error).message}): it is cut off or damaged, or has more than ` +
        `${mebibytes(LARGEST_DISK)} MiB then.`,
      { cause },
    );
  }
}

/** The pieces one after the other, and zeros up to a whole page, where worker threads can share them. */
function wholePages(pieces: readonly Uint8Array[]): Uint8Array {
  const bytes = pieces.reduce((sum, { length }) => sum + length, 0);
  const padded = new Uint8Array(Math.ceil(bytes / PAGE_SIZE) * PAGE_SIZE);
  let at = 0;
  for (const piece of pieces) {
    padded.set(piece, at);
    at += piece.length;
  }
  return sharedImage(nonZeroPages(padded));
}

function text(bytes: Uint8Array, at: number, length: number): string {
  return new TextDecoder("latin1").decode(bytes.subarray(at, at + length));
}

/** A size for a person. */
export function mebibytes(bytes: number): number {
  return Math.ceil(bytes / 2 ** 20);
}
