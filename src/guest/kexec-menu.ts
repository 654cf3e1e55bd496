/**
 * What GRUB would start, read from its menu.
 *
 * References:
 * - [grub] GNU GRUB manual 2.06: "Writing your own configuration files", menuentry, default, linux, initrd
 */

/** A kernel with all that it is started with. */
export interface BootEntry {
  /** Path of the kernel, as GRUB finds it. */
  readonly kernel: string;
  /** Paths of what is loaded as its initial RAM disk, one behind the other. */
  readonly initrds: readonly string[];
  readonly commandLine: string;
}

/** The boot loader's menu does not say what would be started. */
export class BootMenuError extends Error {
  override readonly name = "BootMenuError";
}

interface MenuEntry {
  readonly title: string;
  readonly id: string | null;
  readonly commands: string[][];
}

/**
 * The entry that GRUB starts when nobody chooses another: by its number, its identifier or its title.
 * Variables are not followed: of several assignments the last one with a plain value counts. Entries of
 * submenus cannot be the default.
 *
 * @throws {BootMenuError} if there is no such entry, or it starts no Linux kernel
 */
export function defaultEntry(menu: string): BootEntry {
  const { entries, chosen } = parse(menu);
  const entry = /^\d+$/.test(chosen)
    ? entries[Number(chosen)]
    : entries.find(({ title, id }) => id === chosen || title === chosen);
  if (entry === undefined) throw new BootMenuError(`GRUB's menu has no entry "${chosen}"`);
  const [, kernel, ...options] = entry.commands.find(([name]) => name === "linux") ?? [];
  if (kernel === undefined) {
    throw new BootMenuError(`the entry "${entry.title}" of GRUB's menu starts no Linux kernel`);
  }
  const initrds = entry.commands.find(([name]) => name === "initrd")?.slice(1) ?? [];
  return { kernel, initrds, commandLine: options.join(" ") };
}

function parse(menu: string): { entries: MenuEntry[]; chosen: string } {
  const entries: MenuEntry[] = [];
  let chosen = "0";
  let depth = 0;
  for (const line of menu.split("\n")) {
    const words = wordsOf(line);
    const [name, title = ""] = words;
    const assigned = /^default=([^$]+)$/.exec(name === "set" ? title : "");
    if (assigned !== null) chosen = assigned[1] ?? chosen;
    if (depth === 0 && (name === "menuentry" || name === "submenu")) {
      entries.push({ title, id: idIn(words), commands: [] });
    } else if (depth === 1 && name !== undefined) {
      entries.at(-1)?.commands.push(words);
    }
    if (words.at(-1) === "{") depth++;
    if (name === "}") depth = Math.max(0, depth - 1);
  }
  return { entries, chosen };
}

/** grub-mkconfig writes a variable where the option `--id` stands. */
function idIn(words: readonly string[]): string | null {
  const option = words.findIndex((word) => word === "--id" || word === "$menuentry_id_option");
  return option < 0 ? null : (words[option + 1] ?? null);
}

/** The words of a line without their quotes; a comment has none. */
function wordsOf(line: string): string[] {
  if (/^\s*#/.test(line)) return [];
  return Array.from(line.matchAll(/(?:'[^']*'|"[^"]*"|[^\s'"])+/g), ([word]) =>
    word.replaceAll(/'([^']*)'|"([^"]*)"/g, "$1$2"),
  );
}
