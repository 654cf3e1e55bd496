import { isDeepStrictEqual } from "node:util";
import { formatDuration } from "../experiment/duration.js";
import { createPageStore } from "../storage/page-store.js";
import { comparePages, PAGE_SIZE, type SparsePages } from "../storage/pages.js";
import { type Snapshot, SnapshotError } from "../storage/snapshot.js";
import type { SnapshotHeader } from "../storage/snapshot-header.js";
import { columns } from "./columns.js";

/** A snapshot as a person wants to know it: its header, then what is in its RAM and on its disks. */
export function describeSnapshot(header: SnapshotHeader, snapshot: Snapshot): string {
  const { comment, config, emulator, clock, sections } = header;
  const about = columns([
    ...(comment === "" ? [] : [["comment", comment]]),
    ["taken at", `${formatDuration(clock)} of virtual time since the machine was switched on`],
    ["emulator", `v86 ${emulator.version}, wasm ${emulator.wasmSha256.slice(0, 16)}…`],
    ["memory", mebibytes(config.memoryBytes)],
    ["boot", `from ${config.boot.from}`],
    ...config.disks.map(({ name, bytes, baseSha256 }) => [
      "disk",
      `${name}, ${mebibytes(bytes)}, base ${baseSha256.slice(0, 16)}…`,
    ]),
    ["processor", `${config.nsPerInstruction} ns an instruction`],
    ["clock", `shows ${new Date(config.epochMs).toISOString()} at power-on`],
    ["seed", `${config.seed}`],
  ]);
  const parts = columns([
    ["part", "pages", "not zero or written", "different", "bytes"],
    ...partsOf(snapshot).map(([name, pages]) => [
      name,
      `${pages.pageCount}`,
      `${pages.numbers.length}`,
      `${differentPages(pages)}`,
      mebibytes(pages.numbers.length * PAGE_SIZE),
    ]),
  ]);
  const stored = columns([
    ["section", "bytes", "in the file"],
    ...sections.map(({ name, rawBytes, storedBytes }) => [name, `${rawBytes}`, `${storedBytes}`]),
  ]);
  return `${about}\n${parts}\n${stored}`;
}

/**
 * How two snapshots of one machine differ.
 *
 * @throws {SnapshotError} if they are of different machines
 */
export function describeDifference(first: Snapshot, second: Snapshot): string {
  if (!isDeepStrictEqual(first.config, second.config)) {
    throw new SnapshotError(
      "the snapshots are of different machines, so their pages have nothing to do with each other; " +
        "compare two of one guest (snapshot info shows the machine of each)",
    );
  }
  const others = partsOf(second);
  const parts = partsOf(first).map(([name, pages], i) => {
    const { same, changed, added, removed } = comparePages(pages, others[i]?.[1] ?? pages);
    return [name, ...[same, changed, added, removed].map((numbers) => `${numbers.length}`)];
  });
  const passed = second.clock - first.clock;
  const times = columns([
    ["first", `${formatDuration(first.clock)} of virtual time`],
    [
      "second",
      `${formatDuration(second.clock)}, ${formatDuration(Math.abs(passed))} ${passed < 0 ? "earlier" : "later"}`,
    ],
  ]);
  const table = columns([["pages of", "same", "changed", "only second", "only first"], ...parts]);
  return `${times}\n${table}`;
}

/** RAM, whose pages that are not listed are zeros, and the disks, whose are those of the base image. */
function partsOf({ config, ram, disks }: Snapshot): [name: string, pages: SparsePages][] {
  const named = disks.map((pages, i): [string, SparsePages] => [
    `disk ${config.disks[i]?.name ?? i}`,
    pages,
  ]);
  return [["RAM", ram], ...named];
}

function differentPages(pages: SparsePages): number {
  const store = createPageStore();
  store.put(pages);
  return store.stats().uniquePages;
}

function mebibytes(bytes: number): string {
  const mebibytes = bytes / 2 ** 20;
  return `${Number.isInteger(mebibytes) ? mebibytes : mebibytes.toFixed(1)} MiB`;
}
