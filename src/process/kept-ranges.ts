import type { Mapping } from "./image.js";

/** Addresses of a process, whole pages: the first, and the first one behind them. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/**
 * Where two lists of mappings of a process show the same thing, apart from its protection: there the
 * pages of one can stay where the other is wanted. Memory that is shared, and files without a name, never count
 * as the same. Both lists are ascending and do not overlap in themselves.
 */
export function keptRanges(before: readonly Mapping[], now: readonly Mapping[]): Range[] {
  const kept: Range[] = [];
  for (const mapping of now) {
    for (const other of overlapping(before, mapping)) {
      const start = Math.max(mapping.start, other.start);
      const end = Math.min(mapping.end, other.end);
      if (showsSame(mapping, other)) kept.push({ start, end });
    }
  }
  return kept;
}

function showsSame(one: Mapping, other: Mapping): boolean {
  if (one.shared || other.shared || one.openFile !== null || other.openFile !== null) return false;
  if (one.growsDown !== other.growsDown) return false;
  if (one.file === null || other.file === null) return one.file === other.file;
  return (
    one.file.path === other.file.path &&
    one.file.size === other.file.size &&
    one.file.changedNs === other.file.changedNs &&
    one.offset - one.start === other.offset - other.start
  );
}

/** What of a range lies in none of the others, which are ascending. */
export function without(range: Range, others: readonly Range[]): Range[] {
  const left: Range[] = [];
  let { start } = range;
  for (const other of overlapping(others, range)) {
    if (other.start > start) left.push({ start, end: other.start });
    start = other.end;
  }
  if (start < range.end) left.push({ start, end: range.end });
  return left;
}

/** Whether an address lies in one of the ranges, which are ascending. */
export function isWithin(ranges: readonly Range[], address: number): boolean {
  const range = ranges[firstEndingBehind(ranges, address)];
  return range !== undefined && address >= range.start;
}

/**
 * Those of the ranges, which are ascending and do not overlap in themselves, that another one has addresses in. A
 * process can have 65,530 mappings, so they are not all looked at for each of them.
 */
export function overlapping<R extends Range>(
  ranges: readonly R[],
  { start, end }: Range,
): readonly R[] {
  const first = firstEndingBehind(ranges, start);
  let behind = first;
  while ((ranges[behind]?.start ?? end) < end) behind++;
  return ranges.slice(first, behind);
}

/** Index of the first of ascending ranges that ends behind an address; their number if none does. */
function firstEndingBehind(ranges: readonly Range[], address: number): number {
  let low = 0;
  let high = ranges.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const range = ranges[middle];
    if (range === undefined || range.end > address) high = middle;
    else low = middle + 1;
  }
  return low;
}
