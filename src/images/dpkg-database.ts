/*
 * Writes dpkg's database of packages that were unpacked by somebody else, so that dpkg configures them.
 *
 * References: dpkg(1), "Information about packages" and `/var/lib/dpkg`; deb-conffiles(5);
 * deb-triggers(5); triggers.txt of dpkg, "Internals" (the files in `triggers`).
 */
import { createHash } from "node:crypto";
import { controlField, type DebianPackage } from "./debian-package.js";
import { type FileTree, plainFile, program, textOf, type TreeFile } from "./file-tree.js";

const folder = "var/lib/dpkg";

/**
 * The database of a root in which packages were unpacked and not configured yet.
 *
 * @param below the root without them; the packages in its database stay there
 */
export function dpkgDatabase(packages: readonly DebianPackage[], below: FileTree): FileTree {
  const database = new Map<string, TreeFile>();
  const append = (name: string, text: string) => {
    const path = `${folder}/${name}`;
    const before = textOf(database.has(path) ? database : below, path);
    database.set(path, plainFile(before + text));
  };
  append("available", "");
  append("status", packages.map(statusStanza).join(""));
  append("info/format", below.has(`${folder}/info/format`) ? "" : "1\n");
  for (const each of packages) {
    const name = databaseName(each);
    append(`info/${name}.list`, ["/.", ...each.paths.map((path) => `/${path}`), ""].join("\n"));
    for (const [member, file] of each.members) {
      if (file.kind !== "file") continue;
      const stored = isScript(member) ? program(file.content) : plainFile(file.content);
      database.set(`${folder}/info/${name}.${member}`, stored);
    }
    for (const [trigger, line] of interests(each)) append(`triggers/${trigger}`, line);
  }
  return database;
}

function statusStanza(each: DebianPackage): string {
  const fields = each.control
    .trimEnd()
    .replace(/^Package: .*$/m, "$&\nStatus: install ok unpacked");
  return `${fields}\n${conffiles(each)}\n`;
}

/** The field with the configuration files of a package and what they were unpacked as. */
function conffiles({ members, files }: DebianPackage): string {
  // A line that starts with a word is about a file of an earlier version.
  const lines = textOf(members, "conffiles")
    .split("\n")
    .filter((line) => line.startsWith("/"));
  const entries = lines.flatMap((path) => {
    const file = files.get(path.slice(1));
    if (file?.kind !== "file") return [];
    return [` ${path} ${createHash("md5").update(file.content).digest("hex")}\n`];
  });
  return entries.length === 0 ? "" : `Conffiles:\n${entries.join("")}`;
}

/** What the files of a package are called: one of several architectures may be there at once. */
function databaseName({ control }: DebianPackage): string {
  const name = controlField(control, "Package");
  const isSame = controlField(control, "Multi-Arch") === "same";
  return isSame ? `${name}:${controlField(control, "Architecture")}` : name;
}

function isScript(member: string): boolean {
  return /^(config|postinst|postrm|preinst|prerm)$/.test(member);
}

/** The triggers that a package wants to hear of: those on paths lie in one file, others in a file each. */
function interests({ control, members }: DebianPackage): [file: string, line: string][] {
  const name = controlField(control, "Package");
  const declared = textOf(members, "triggers").matchAll(/^interest(-\w+)?\s+(\S+)\s*$/gm);
  return [...declared].map(([, kind, trigger = ""]) => {
    const listener = kind === "-noawait" ? `${name}/noawait` : name;
    return trigger.startsWith("/")
      ? ["File", `${trigger} ${listener}\n`]
      : [trigger, `${listener}\n`];
  });
}
