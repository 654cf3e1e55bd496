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
    for (const other of before) {
      const start = Math.max(mapping.start, other.start);
      const end = Math.min(mapping.end, other.end);
      if (start < end && showsSame(mapping, other)) kept.push({ start, end });
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
  for (const other of others) {
    if (other.end <= start || other.start >= range.end) continue;
    if (other.start > start) left.push({ start, end: other.start });
    start = other.end;
  }
  if (start < range.end) left.push({ start, end: range.end });
  return left;
}

/** Whether an address lies in one of the ranges, which are ascending. */
export function isWithin(ranges: readonly Range[], address: number): boolean {
  let low = 0;
  let high = ranges.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const range = ranges[middle];
    if (range === undefined) return false;
    if (address < range.start) high = middle;
    else if (address >= range.end) low = middle + 1;
    else return true;
  }
  return false;
}
