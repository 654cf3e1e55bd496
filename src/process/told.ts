import { PAGE_BYTES } from "../guest/page-tables.js";
import type { Pages } from "./capture-memory.js";
import type { Mapping, ProcessImage, TreeImage } from "./image.js";
import { isWithin, keptRanges } from "./kept-ranges.js";
import type { ChangedImage, ChangedPages, Outline, OutlinedProcess } from "./outline.js";

/** Pages of a process by their addresses. */
export interface ToldProcess {
  readonly mappings: readonly Mapping[];
  readonly pages: Map<number, Uint8Array>;
}

/** What was told of the memory of some processes; both ends of a pre-copy keep it. */
export interface Told {
  readonly processes: ReadonlyMap<number, ToldProcess>;
  change(changed: ChangedPages): void;
  /**
   * Process ids of those that were made from what was told and can become processes of an image. One whose parent
   * cannot is not among them.
   *
   * @param hasRoom whether one that is like its image otherwise has room for what that has mapped
   */
  kept(image: TreeImage, hasRoom: (process: ProcessImage) => boolean): ReadonlySet<number>;
  /** The image with all pages of the processes that are not kept. */
  complete(changed: ChangedImage, kept: ReadonlySet<number>): ChangedImage;
}

/** Keeps what an outline tells. */
export function tellOf(outline: Pick<Outline, "processes">): Told {
  const processes = new Map<number, ToldProcess>();
  for (const { pid, mappings, pages } of outline.processes) {
    processes.set(pid, { mappings, pages: byAddress(pages) });
  }
  return {
    processes,
    change({ pid, pages, gone }) {
      const its = processes.get(pid)?.pages;
      if (its === undefined) return;
      for (const address of gone) its.delete(address);
      for (const [address, content] of byAddress(pages)) its.set(address, content);
    },
    kept(image, hasRoom) {
      const shapes = new Map(outline.processes.map((each) => [each.pid, shape(each)]));
      const kept = new Set<number>();
      for (const process of image.processes) {
        const { pid, parent } = process;
        const isAlike = shapes.get(pid) === shape(process) && hasRoom(process);
        if (isAlike && (parent === null || kept.has(parent))) kept.add(pid);
      }
      return kept;
    },
    complete: ({ image, gone }, kept) => ({
      image: {
        ...image,
        processes: image.processes.map((process) => {
          const its = processes.get(process.pid);
          if (its === undefined || kept.has(process.pid)) return process;
          return { ...process, pages: merge(its, process, gone.get(process.pid)) };
        }),
      },
      gone: new Map([...gone].filter(([pid]) => kept.has(pid))),
    }),
  };
}

/** What of a process must be the same for one that was made ahead to become it. */
function shape({ parent, session, controllingTerminal, vdso }: OutlinedProcess): string {
  const { path = null } = controllingTerminal ?? {};
  return JSON.stringify([parent, session, path, vdso?.address, vdso?.image.length]);
}

function merge(
  told: ToldProcess,
  { mappings, pages }: ProcessImage,
  gone: Uint32Array = new Uint32Array(),
): Pages {
  const kept = keptRanges(told.mappings, mappings);
  const all = new Map([...told.pages].filter(([address]) => isWithin(kept, address)));
  for (const address of gone) all.delete(address);
  for (const [address, content] of byAddress(pages)) all.set(address, content);
  const addresses = Uint32Array.from(all.keys()).sort();
  const content = new Uint8Array(addresses.length * PAGE_BYTES);
  for (const [index, address] of addresses.entries()) {
    content.set(all.get(address) ?? [], index * PAGE_BYTES);
  }
  return { addresses, content };
}

function byAddress({ addresses, content }: Pages): Map<number, Uint8Array> {
  const pages = new Map<number, Uint8Array>();
  for (const [index, address] of addresses.entries()) {
    pages.set(address, content.subarray(index * PAGE_BYTES, (index + 1) * PAGE_BYTES));
  }
  return pages;
}
