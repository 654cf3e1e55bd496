/**
 * A value as the text of a JSON file: keys in the alphabet's order at every depth, so that equal values
 * give equal bytes; indented for people, ended by a newline.
 */
export function sortedJson(value: unknown): string {
  return `${JSON.stringify(value, inKeyOrder, 2)}\n`;
}

function inKeyOrder(_key: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
