import { type Header, pack } from "tar-stream";

/** An entry of a tar archive: its header, and what the file contains. */
export type TarEntry = Partial<Header> & {
  readonly name: string;
  readonly content?: string | Buffer;
};

/** A tar archive of entries, in their order. */
export async function tarball(entries: readonly TarEntry[]): Promise<Uint8Array> {
  const tar = pack();
  for (const { content, ...header } of entries) tar.entry(header, content ?? "");
  tar.finalize();
  const pieces: Uint8Array[] = [];
  for await (const piece of tar) pieces.push(piece as Uint8Array); // a pack of tar-stream yields bytes only
  return Buffer.concat(pieces);
}
