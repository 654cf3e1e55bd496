/*
 * Built guests in the cache: a folder a guest, with its firmware and its disks.
 *
 * A disk is stored as the pages of it that are not zero: their number in the whole disk, how many are
 * stored, their page numbers, all as 32-bit numbers with the low byte first, and then their contents.
 */
import { z } from "zod";
import type { Cache } from "../node/cache.js";
import {
  checkPages,
  nonZeroPages,
  PAGE_SIZE,
  PagesError,
  type SparsePages,
  writePages,
} from "../storage/pages.js";
import { sha256 } from "./sha256.js";

/** A disk image with the hash that a snapshot's stamp and a recipe know it by. */
export interface DiskImage {
  readonly name: string;
  /** The whole disk, in a buffer that worker threads can share. */
  readonly base: Uint8Array;
  /** SHA-256 of `base`, in hexadecimal. */
  readonly sha256: string;
}

/** What a machine needs of a built guest. */
export interface GuestImages {
  readonly bios: Uint8Array;
  readonly vgaBios: Uint8Array;
  /** System disk and home disk, in this order. */
  readonly disks: readonly DiskImage[];
}

const hash = z.string().regex(/^[0-9a-f]{64}$/);

/** The list of a stored guest's files. It is written last, so where it stands the guest is complete. */
const listSchema = z.strictObject({
  /** SHA-256 of each file. */
  files: z.record(z.string(), hash),
  /** SHA-256 of each disk's whole image. */
  disks: z.array(z.strictObject({ name: z.string(), sha256: hash })),
});

const listName = "guest.json";

/** Stores a guest in a folder of the cache. */
export async function storeGuest(
  cache: Cache,
  folder: string,
  { bios, vgaBios, disks }: GuestImages,
): Promise<void> {
  const files: Record<string, string> = {};
  const write = async (name: string, ...parts: Uint8Array[]) => {
    await cache.write(`${folder}/${name}`, ...parts);
    files[name] = sha256(...parts);
  };
  await write("bios.bin", bios);
  await write("vgabios.bin", vgaBios);
  for (const { name, base } of disks)
    await write(`${name}.pages`, ...packPages(nonZeroPages(base)));
  const list = { files, disks: disks.map((disk) => ({ name: disk.name, sha256: disk.sha256 })) };
  await cache.write(`${folder}/${listName}`, Buffer.from(JSON.stringify(list, null, 2)));
}

/**
 * Takes a guest out of a folder of the cache. Every file is checked against its hash.
 *
 * @returns null if it is not there, or not as it was stored
 * @throws {CacheError} if the cache cannot be read
 */
export async function takeGuest(cache: Cache, folder: string): Promise<GuestImages | null> {
  const list = parseList(await cache.read(`${folder}/${listName}`));
  if (!list) return null;
  const read = async (name: string) => {
    const file = await cache.read(`${folder}/${name}`);
    return file && sha256(file) === list.files[name] ? file : null;
  };
  const bios = await read("bios.bin");
  const vgaBios = await read("vgabios.bin");
  const disks: DiskImage[] = [];
  for (const disk of list.disks) {
    const file = await read(`${disk.name}.pages`);
    if (file) disks.push({ ...disk, base: sharedImage(unpackPages(file)) });
  }
  return bios && vgaBios && disks.length === list.disks.length ? { bios, vgaBios, disks } : null;
}

function parseList(text: Uint8Array | null): z.infer<typeof listSchema> | null {
  try {
    return text && listSchema.parse(JSON.parse(Buffer.from(text).toString()));
  } catch {
    return null;
  }
}

/** The whole image of these pages, in a buffer that worker threads can share. */
export function sharedImage(pages: SparsePages): Uint8Array {
  const image = new Uint8Array(new SharedArrayBuffer(pages.pageCount * PAGE_SIZE));
  writePages(image, pages);
  return image;
}

/** Writes pages as a stored disk; the parts stand one after the other in the file. */
export function packPages({ pageCount, numbers, data }: SparsePages): Uint8Array[] {
  const head = new DataView(new ArrayBuffer(8 + numbers.length * 4));
  head.setUint32(0, pageCount, true);
  head.setUint32(4, numbers.length, true);
  numbers.forEach((number, i) => {
    head.setUint32(8 + i * 4, number, true);
  });
  return [new Uint8Array(head.buffer), data];
}

/**
 * Reads a stored disk.
 *
 * @throws {PagesError} if the file is damaged
 */
export function unpackPages(file: Uint8Array): SparsePages {
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  const count = file.length < 8 ? NaN : view.getUint32(4, true);
  const dataAt = 8 + count * 4;
  if (file.length !== dataAt + count * PAGE_SIZE) {
    throw new PagesError(`a stored disk of ${file.length} bytes is damaged: build the guest again`);
  }
  const numbers = Uint32Array.from({ length: count }, (_, i) => view.getUint32(8 + i * 4, true));
  const pages = { pageCount: view.getUint32(0, true), numbers, data: file.subarray(dataAt) };
  checkPages(pages);
  return pages;
}
