import type { ProcessImage, TreeImage } from "./image.js";

/** What of a process can be told while it runs, and made ahead of its image. */
export type OutlinedProcess = Pick<
  ProcessImage,
  "pid" | "parent" | "session" | "controllingTerminal" | "mappings" | "vdso" | "pages"
> & { readonly threads: readonly { readonly tid: number }[] };

/** A tree of processes as it was while it ran: enough to have them made ahead, with most of their memory. */
export interface Outline {
  readonly clocks: TreeImage["clocks"];
  /** Parents stand before their children. */
  readonly processes: readonly OutlinedProcess[];
  /** Files that they are likely to need where they go on. */
  readonly paths: readonly string[];
}

/** Pages of a process that are no longer what was told of them. */
export interface ChangedPages {
  readonly pid: number;
  readonly pages: ProcessImage["pages"];
  /** Addresses of pages that have lost what they had: they are again as their mapping makes them. */
  readonly gone: Uint32Array;
}

/** An image of processes that were told of before: `pages` has only what has changed since. */
export interface ChangedImage {
  readonly image: TreeImage;
  readonly gone: ReadonlyMap<number, Uint32Array>;
}
