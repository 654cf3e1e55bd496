import { expect, test } from "vitest";
import { controlField, mergedUsr, unpackPackage } from "../../src/images/debian-package.js";
import { plainFile } from "../../src/images/file-tree.js";
import { debOf } from "./package-fixture.js";

test("a package has its folders, its owners and all of its paths, but only the files that are taken", async () => {
  const deb = await debOf([
    { name: "./tmp/", type: "directory", mode: 0o1777 },
    { name: "./usr/bin/wall", content: "wall", mode: 0o2755, gid: 5 },
    { name: "./usr/share/doc/wall", content: "text" },
    { name: "./etc/link", type: "symlink", linkname: "/run/../anywhere" },
  ]);
  const found = await unpackPackage(deb, (path) => !path.startsWith("usr/share/doc/"));
  expect(controlField(found.control, "Package")).toBe("x");
  expect(found.paths).toEqual(["tmp", "usr/bin/wall", "usr/share/doc/wall", "etc/link"]);
  expect([...found.files.keys()]).toEqual(["tmp", "usr/bin/wall", "etc/link"]);
  expect(found.files.get("tmp")).toEqual({ kind: "directory", mode: 0o1777 });
  expect(found.files.get("usr/bin/wall")).toMatchObject({
    mode: 0o2755,
    owner: { user: 0, group: 5 },
  });
  expect(found.files.get("etc/link")).toEqual({ kind: "symlink", target: "/run/../anywhere" });
});

test("a damaged package is refused", async () => {
  const deb = Buffer.from(await debOf([{ name: "./a", content: "text" }]));
  await expect(unpackPackage(deb.subarray(0, 200), () => true)).rejects.toThrow(/damaged/);
});

test("a path that leads out of a package is refused", async () => {
  const deb = await debOf([{ name: "./../a", content: "text" }]);
  await expect(unpackPackage(deb, () => true)).rejects.toThrow(/leads out of it: .*\.\.\/a/);
});

test("with a merged /usr, programs and libraries lie below it and links lead there", () => {
  const tree = mergedUsr(
    new Map([
      ["bin", { kind: "directory", mode: 0o755 } as const],
      ["bin/sh", plainFile("shell")],
      ["lib/modules/a.ko", plainFile("module")],
      ["usr/bin/env", plainFile("env")],
      ["library", plainFile("other")],
    ]),
  );
  expect(Object.fromEntries([...tree].map(([path, file]) => [path, file.kind]))).toEqual({
    "usr/bin/sh": "file",
    "usr/lib/modules/a.ko": "file",
    "usr/bin/env": "file",
    library: "file",
    bin: "symlink",
    lib: "symlink",
    sbin: "symlink",
  });
  expect(mergedUsr(tree)).toEqual(tree);
});
