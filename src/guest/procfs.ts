/**
 * What the files of `/proc` say. The guest is not trusted: what is not as the manual says is refused.
 *
 * References:
 * - [proc(5)], [proc_pid_maps(5)], [proc_pid_stat(5)], [proc_pid_status(5)], [proc_pid_fdinfo(5)]
 */

/** A file of `/proc` is not as it should be. */
export class ProcfsError extends Error {
  override readonly name = "ProcfsError";
}

/** A line of `/proc/PID/maps`. */
export interface MapsLine {
  /** First address, and the first one behind it. */
  readonly start: number;
  readonly end: number;
  readonly read: boolean;
  readonly write: boolean;
  readonly execute: boolean;
  readonly shared: boolean;
  /** Offset in the file, in bytes. */
  readonly offset: number;
  /** Device, as `08:01`. */
  readonly device: string;
  readonly inode: number;
  /** Path or a name in brackets; empty for anonymous memory. */
  readonly path: string;
}

/** Parses `/proc/PID/maps`. */
export function parseMaps(text: string): MapsLine[] {
  return lines(text).map((line) => {
    const found =
      /^([0-9a-f]+)-([0-9a-f]+) ([r-])([w-])([x-])([sp]) ([0-9a-f]+) (\S+) (\d+)\s*(.*)$/s.exec(
        line,
      );
    if (found === null) throw new ProcfsError(`no line of /proc/PID/maps: "${line}"`);
    const [, start = "", end = "", r, w, x, s, offset = "", device = "", inode, path = ""] = found;
    return {
      start: parseInt(start, 16),
      end: parseInt(end, 16),
      read: r === "r",
      write: w === "w",
      execute: x === "x",
      shared: s === "s",
      offset: parseInt(offset, 16),
      device,
      inode: Number(inode),
      // A newline in a name is written as \012.
      path: path.replaceAll("\\012", "\n"),
    };
  });
}

/** Fields of `/proc/PID/stat`, by number from 1, as [proc_pid_stat(5)] counts them. */
export interface Stat {
  readonly name: string;
  /** Field 3: R, S, D, Z, T, t, X. */
  readonly state: string;
  /** A field that is a number; those of 64 bits lose their last digits above 2^53. */
  field(number: number): number;
}

/** Parses `/proc/PID/stat`. */
export function parseStat(text: string): Stat {
  const found = /^\d+ \((.*)\) (\S) (.*)$/s.exec(text.trim());
  if (found === null) throw new ProcfsError(`no /proc/PID/stat: "${text}"`);
  const [, name = "", state = "", rest = ""] = found;
  const fields = rest.split(" ");
  return {
    name,
    state,
    field(number) {
      const value = fields[number - 4];
      if (value === undefined || !/^-?\d+$/.test(value)) {
        throw new ProcfsError(`field ${number} of /proc/PID/stat is "${value ?? "missing"}"`);
      }
      return Number(value);
    },
  };
}

/** Parses a file of lines `Name: value`, as `/proc/PID/status` and `fdinfo` are; a repeated name keeps all its values. */
export function parseFields(text: string): ReadonlyMap<string, readonly string[]> {
  const fields = new Map<string, string[]>();
  for (const line of lines(text)) {
    const colon = line.indexOf(":");
    if (colon < 0) continue;
    const name = line.slice(0, colon);
    const values = fields.get(name) ?? [];
    values.push(line.slice(colon + 1).trim());
    fields.set(name, values);
  }
  return fields;
}

/**
 * The first value of a field.
 *
 * @throws {ProcfsError} if there is none
 */
export function field(fields: ReadonlyMap<string, readonly string[]>, name: string): string {
  const value = fields.get(name)?.[0];
  if (value === undefined) throw new ProcfsError(`the field "${name}" is missing`);
  return value;
}

function lines(text: string): string[] {
  return text.split("\n").filter((line) => line !== "");
}
