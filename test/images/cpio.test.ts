import { expect, test } from "vitest";
import { cpioArchive } from "../../src/images/cpio.js";
import {
  type FileTree,
  mergeTrees,
  plainFile,
  program,
  under,
} from "../../src/images/file-tree.js";

const archiveText = (tree: FileTree) => new TextDecoder().decode(cpioArchive(tree));

/** The header of an entry, with its fields in the order of the format. */
const header = (...fields: number[]) =>
  `070701${fields.map((field) => field.toString(16).padStart(8, "0")).join("")}`;

test("an archive has the bytes of the format", () => {
  const tree = new Map([
    ["init", program("#!/bin/sh\n")],
    ["bin/sh", { kind: "symlink", target: "busybox" } as const],
  ]);
  expect(archiveText(tree)).toBe(
    [
      header(1, 0o040755, 0, 0, 2, 0, 0, 0, 0, 0, 0, 4, 0),
      "bin\0\0\0",
      header(2, 0o120777, 0, 0, 1, 0, 7, 0, 0, 0, 0, 7, 0),
      "bin/sh\0\0\0\0busybox\0",
      header(3, 0o100755, 0, 0, 1, 0, 10, 0, 0, 0, 0, 5, 0),
      "init\0\0#!/bin/sh\n\0\0",
      header(4, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 11, 0),
      "TRAILER!!!\0\0\0\0",
    ].join(""),
  );
});

test("the order in which files were put in does not matter", () => {
  const files = [
    ["b/c", plainFile("1")],
    ["a", plainFile("2")],
    ["b-d", plainFile("3")],
  ] as const;
  expect(archiveText(new Map(files))).toBe(archiveText(new Map([...files].reverse())));
});

test("every file stands after the folder that holds it", () => {
  const text = archiveText(new Map([["a/b/c/d", plainFile("")]]));
  const places = ["a\0", "a/b\0", "a/b/c\0", "a/b/c/d\0"].map((name) => text.indexOf(name));
  expect(places).toEqual([...places].sort((one, other) => one - other));
  expect(places).not.toContain(-1);
});

test("trees are laid over one another, and one below another", () => {
  const base = new Map([
    ["a", plainFile("old")],
    ["b", plainFile("kept")],
  ]);
  const merged = mergeTrees(base, new Map([["a", plainFile("new")]]));
  expect([...under("root", merged)]).toEqual([
    ["root/a", plainFile("new")],
    ["root/b", plainFile("kept")],
  ]);
});
