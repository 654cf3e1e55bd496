import { readFile } from "node:fs/promises";
import fc from "fast-check";
import { expect, test } from "vitest";
import { imagesFolder } from "../../src/images/packages.js";
import { pathFilter } from "../../src/images/path-filter.js";

test("what nothing is said of is taken", () => {
  expect(pathFilter("")("usr/share/man/man1/ls.1.gz")).toBe(true);
});

test("an asterisk stands for folders, too, and the last line that fits decides", () => {
  const isTaken = pathFilter(
    "# documents\npath-exclude=/usr/share/doc/*\npath-include=/usr/share/doc/*/copyright\n",
  );
  expect(isTaken("usr/share/doc/bash/examples/a.sh")).toBe(false);
  expect(isTaken("usr/share/doc/bash/copyright")).toBe(true);
  expect(isTaken("usr/share/document")).toBe(true);
});

test("a question mark stands for one character, brackets for one of several", () => {
  const isTaken = pathFilter("path-exclude=/x/?.[ch]\npath-exclude=/y/[!a]");
  const taken = ["x/a.c", "x/a.h", "x/ab.c", "x/a.o", "y/a", "y/b"].filter(isTaken);
  expect(taken).toEqual(["x/ab.c", "x/a.o", "y/a"]);
});

test("no other character of a pattern means anything but itself", () => {
  const name = fc.string({
    unit: fc.constantFrom("a", "b", ".", "+", "(", ")", "|", "^", "$", "\\", "{", "}", "-"),
  });
  fc.assert(
    fc.property(name, name, (excluded, other) => {
      const isTaken = pathFilter(`path-exclude=/${excluded}`);
      expect(isTaken(other)).toBe(other !== excluded);
    }),
  );
});

test("the guests have no manuals and no drivers that nobody needs, but those for the disks", async () => {
  const file = new URL("layers/rootfs/etc/dpkg/dpkg.cfg.d/small", imagesFolder);
  const isTaken = pathFilter(await readFile(file, "utf8"));
  const modules = "lib/modules/6.1.0-50-686/kernel";
  expect(isTaken("usr/share/man/man1/ls.1.gz")).toBe(false);
  expect(isTaken("usr/share/locale/de/LC_MESSAGES/bash.mo")).toBe(false);
  expect(isTaken(`${modules}/drivers/gpu/drm/drm.ko`)).toBe(false);
  expect(isTaken(`${modules}/drivers/ata/ata_piix.ko`)).toBe(true);
  expect(isTaken(`${modules}/fs/ext4/ext4.ko`)).toBe(true);
  expect(isTaken("usr/bin/ls")).toBe(true);
});
