/*
 * Makes Debian packages for the tests, without compressing anything.
 *
 * References: The .xz File Format 1.1.0, sections 2 to 5; LZMA2 as xz decodes it (a chunk whose first
 * byte is 1 or 2 holds its bytes as they are); deb(5).
 */
import { pack } from "tar-stream";

/** A file for a package, as tar-stream takes it. */
export interface PackageFile {
  readonly name: string;
  readonly content?: string | Uint8Array;
  readonly type?: "file" | "directory" | "symlink" | "link" | "character-device";
  readonly linkname?: string;
  readonly mode?: number;
  readonly gid?: number;
}

/** A package with these files. */
export async function debOf(files: readonly PackageFile[]): Promise<Uint8Array> {
  const data = storedXz(await tarOf(files));
  return arOf([
    ["debian-binary", Buffer.from("2.0\n")],
    ["control.tar.xz", storedXz(await tarOf([{ name: "./control", content: "Package: x\n" }]))],
    ["data.tar.xz", data],
  ]);
}

/** An ar archive with these members. */
export function arOf(members: readonly (readonly [name: string, content: Uint8Array])[]): Buffer {
  const parts = members.flatMap(([name, content]) => {
    const header =
      name.padEnd(16) + "0".padEnd(12) + "0".padEnd(6) + "0".padEnd(6) + "100644".padEnd(8);
    const size = String(content.length).padEnd(10);
    return [Buffer.from(`${header}${size}\`\n`), content, Buffer.alloc(content.length & 1, "\n")];
  });
  return Buffer.concat([Buffer.from("!<arch>\n"), ...parts]);
}

async function tarOf(files: readonly PackageFile[]): Promise<Buffer> {
  const tar = pack();
  for (const { content = "", ...header } of files) tar.entry({ mode: 0o644, ...header }, content);
  tar.finalize();
  const pieces: Uint8Array[] = [];
  for await (const piece of tar) pieces.push(piece as Uint8Array);
  return Buffer.concat(pieces);
}

/** Data in the xz format, not compressed. */
export function storedXz(data: Uint8Array): Buffer {
  const noChecks = Buffer.from([0, 0]);
  const chunks: Buffer[] = [];
  for (let at = 0; at < data.length; at += 0x10000) {
    const piece = data.subarray(at, at + 0x10000);
    const header = Buffer.from([at === 0 ? 1 : 2, 0, 0]);
    header.writeUInt16BE(piece.length - 1, 1);
    chunks.push(header, Buffer.from(piece));
  }
  const block = Buffer.concat([...chunks, Buffer.from([0])]);
  // One filter, LZMA2 (0x21), with one byte of properties: a dictionary of 4 MiB.
  const blockHeader = withCrc(Buffer.from([2, 0, 0x21, 1, 22, 0, 0, 0]));
  const unpadded = blockHeader.length + block.length;
  const records = [0, 1, ...variableLength(unpadded), ...variableLength(data.length)];
  const index = withCrc(padded(Buffer.from(records)));
  const backward = Buffer.alloc(4);
  backward.writeUInt32LE(index.length / 4 - 1);
  const footer = Buffer.concat([backward, noChecks]);
  return Buffer.concat([
    Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0]),
    withCrc(noChecks),
    blockHeader,
    padded(block),
    index,
    crc32(footer),
    footer,
    Buffer.from("YZ"),
  ]);
}

function variableLength(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...variableLength(value >>> 7)];
}

function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc(-bytes.length & 3)]);
}

function withCrc(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, crc32(bytes)]);
}

function crc32(bytes: Uint8Array): Buffer {
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  const result = Buffer.alloc(4);
  result.writeUInt32LE(~crc >>> 0);
  return result;
}
