import { expect, test } from "vitest";
import type { DebianPackage } from "../../src/images/debian-package.js";
import { dpkgDatabase } from "../../src/images/dpkg-database.js";
import { type FileTree, mergeTrees, plainFile, textOf } from "../../src/images/file-tree.js";

const empty: FileTree = new Map();

/** A package with a configuration file, a script and triggers. */
function packageOf(name: string, more: Partial<DebianPackage> & { fields?: string } = {}) {
  return {
    control: `Package: ${name}\nVersion: 1\nArchitecture: i386\n${more.fields ?? ""}`,
    members: new Map(),
    paths: ["etc", `etc/${name}.conf`],
    files: new Map([[`etc/${name}.conf`, plainFile("x")]]),
    ...more,
  } satisfies DebianPackage & { fields?: string };
}

const read = (tree: FileTree, name: string) => textOf(tree, `var/lib/dpkg/${name}`);

test("a package is unpacked for dpkg, and not configured", () => {
  const database = dpkgDatabase(
    [packageOf("tool", { fields: "Description: does\n things\n" })],
    empty,
  );
  expect(read(database, "status")).toBe(
    "Package: tool\nStatus: install ok unpacked\nVersion: 1\nArchitecture: i386\n" +
      "Description: does\n things\n\n",
  );
  expect(read(database, "info/format")).toBe("1\n");
});

test("all paths of a package are listed, also those that were not unpacked", () => {
  const database = dpkgDatabase([packageOf("tool", { files: new Map() })], empty);
  expect(read(database, "info/tool.list")).toBe("/.\n/etc\n/etc/tool.conf\n");
});

test("configuration files are known by the MD5 of what was unpacked", () => {
  const members = new Map([
    ["conffiles", plainFile("/etc/tool.conf\nremove-on-upgrade /etc/old.conf\n")],
  ]);
  const database = dpkgDatabase([packageOf("tool", { members })], empty);
  expect(read(database, "status")).toContain(
    "\nConffiles:\n /etc/tool.conf 9dd4e461268c8034f5c8564e155c67a6\n\n",
  );
});

test("scripts can be run, lists cannot", () => {
  const members = new Map([
    ["postinst", plainFile("#!/bin/sh\n")],
    ["md5sums", plainFile("")],
  ]);
  const database = dpkgDatabase([packageOf("tool", { members })], empty);
  expect(database.get("var/lib/dpkg/info/tool.postinst")).toMatchObject({ mode: 0o755 });
  expect(database.get("var/lib/dpkg/info/tool.md5sums")).toMatchObject({ mode: 0o644 });
});

test("a library that may be there for several architectures has its own in its files' names", () => {
  const library = packageOf("library", { fields: "Multi-Arch: same\n" });
  const database = dpkgDatabase([library], empty);
  expect([...database.keys()]).toContain("var/lib/dpkg/info/library:i386.list");
});

test("who wants to hear of a trigger is written down, paths in one file", () => {
  const members = new Map([
    [
      "triggers",
      plainFile("# both\ninterest-noawait /usr/share/x\ninterest ldconfig\nactivate other\n"),
    ],
  ]);
  const database = dpkgDatabase([packageOf("tool", { members })], empty);
  expect(read(database, "triggers/File")).toBe("/usr/share/x tool/noawait\n");
  expect(read(database, "triggers/ldconfig")).toBe("tool\n");
  expect([...database.keys()]).not.toContain("var/lib/dpkg/triggers/other");
});

test("packages come on top of those that a layer has", () => {
  const layer = dpkgDatabase([packageOf("below")], empty);
  const both = mergeTrees(layer, dpkgDatabase([packageOf("above")], layer));
  const packages = [...read(both, "status").matchAll(/^Package: (.*)$/gm)].map(([, name]) => name);
  expect(packages).toEqual(["below", "above"]);
  expect(read(both, "info/format")).toBe("1\n");
  expect(read(both, "info/below.list")).not.toBe("");
});
