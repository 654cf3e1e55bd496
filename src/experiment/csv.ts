/**
 * Rows as comma-separated values, the names of the first row's fields above them.
 *
 * Reference: RFC 4180; lines end in a newline only, as files of Unix programs do.
 */
export function csv(
  rows: readonly Readonly<Record<string, string | number | boolean | null>>[],
): string {
  const names = Object.keys(rows[0] ?? {});
  const lines = [names, ...rows.map((row) => names.map((name) => String(row[name] ?? "")))];
  return lines.map((cells) => `${cells.map(quoted).join(",")}\n`).join("");
}

function quoted(cell: string): string {
  return /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}
