import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { arMember, DebError, unpackDeb } from "../../src/images/deb.js";
import { unxz, XzError } from "../../src/images/xz.js";
import { arOf, debOf, storedXz } from "./package-fixture.js";

const everything = () => true;
const text = (content: string) => new TextEncoder().encode(content);

test("files, modes and links of a package come out; folders and the rest do not", async () => {
  const deb = await debOf([
    { name: "./", type: "directory" },
    { name: "./bin/", type: "directory" },
    { name: "./bin/busybox", content: "program", mode: 0o4755 },
    { name: "./bin/sh", type: "symlink", linkname: "busybox" },
    { name: "./bin/ash", type: "link", linkname: "./bin/busybox" },
    { name: "./usr/share/doc/readme", content: "unwanted" },
  ]);
  const tree = await unpackDeb(deb, (path) => path.startsWith("bin/"));
  const program = { kind: "file", mode: 0o4755, content: Buffer.from("program") };
  expect(Object.fromEntries(tree)).toEqual({
    "bin/busybox": program,
    "bin/sh": { kind: "symlink", target: "busybox" },
    "bin/ash": program,
  });
});

test("a package of many files larger than a chunk keeps their contents", async () => {
  const files = Array.from({ length: 20 }, (_, i) => ({
    name: `./f${i}`,
    content: String.fromCharCode(65 + i).repeat(50_000 + i),
  }));
  const tree = await unpackDeb(await debOf(files), everything);
  for (const { name, content } of files) {
    const file = tree.get(name.slice(2));
    expect(file?.kind === "file" && Buffer.from(content).equals(file.content)).toBe(true);
  }
});

describe("a hostile package", () => {
  test.each([
    ["a path that climbs", { name: "./a/../../etc/passwd" }],
    ["an absolute path", { name: "/etc/passwd" }],
    ["a link that climbs", { name: "./a/x", type: "symlink", linkname: "../../y" }],
    ["a hard link to a file that is not there", { name: "./x", type: "link", linkname: "./y" }],
    ["a hard link that climbs", { name: "./x", type: "link", linkname: "../y" }],
    ["a device", { name: "./x", type: "character-device" }],
  ] as const)("with %s is refused", async (_, file) => {
    await expect(unpackDeb(await debOf([file]), everything)).rejects.toThrow(DebError);
  });

  test("has its absolute links lead into its own tree", async () => {
    const links = await unpackDeb(
      await debOf([
        { name: "./usr/lib/a.so", type: "symlink", linkname: "/lib/a.so.1" },
        { name: "./b", type: "symlink", linkname: "/../../etc/passwd" },
      ]),
      everything,
    );
    expect(Object.fromEntries(links)).toEqual({
      "usr/lib/a.so": { kind: "symlink", target: "../../lib/a.so.1" },
      b: { kind: "symlink", target: "etc/passwd" },
    });
  });

  test("whose links stay inside is accepted", async () => {
    const file = { name: "./usr/lib/a.so", type: "symlink", linkname: "../../lib/./b.so" } as const;
    expect((await unpackDeb(await debOf([file]), everything)).size).toBe(1);
  });

  test("that is cut off or changed anywhere gives an error or, at worst, other content", async () => {
    const deb = await debOf([{ name: "./a", content: "a".repeat(3000) }]);
    await fc.assert(
      fc.asyncProperty(
        fc.nat(deb.length - 1),
        fc.integer({ min: 1, max: 255 }),
        async (at, flip) => {
          const changed = Buffer.from(deb);
          changed.writeUInt8(changed.readUInt8(at) ^ flip, at);
          for (const hostile of [changed, deb.subarray(0, at)]) {
            await unpackDeb(hostile, everything).catch((error: unknown) => {
              expect(error).toBeInstanceOf(DebError);
            });
          }
        },
      ),
      { numRuns: 200 },
    );
  });
});

describe("an ar archive", () => {
  test("gives the member that is asked for", () => {
    const archive = arOf([
      ["odd", text("123")],
      ["next", text("4567")],
    ]);
    expect(arMember(archive, "next")).toEqual(Buffer.from("4567"));
  });

  test("tells what it has where it lacks a member", () => {
    expect(() => arMember(arOf([["data.tar.zst", text("")]]), "data.tar.xz")).toThrow(
      /no data.tar.xz, only data.tar.zst/,
    );
  });

  test("whose member claims more than there is gives an error", () => {
    const archive = arOf([["a", text("1234")]]);
    archive.write("9999999999", 8 + 48);
    expect(() => arMember(archive, "a")).toThrow(/damaged at byte 8/);
  });

  test("is told from other files", () => {
    expect(() => arMember(text("<html>not here</html>"), "a")).toThrow(/not a Debian package/);
  });
});

describe("xz", () => {
  const unpack = async (packed: Uint8Array, limit: number) => {
    const pieces: Uint8Array[] = [];
    for await (const piece of unxz(packed, limit)) pieces.push(piece);
    return Buffer.concat(pieces);
  };

  test("data come out as they went in", async () => {
    const data = Buffer.from("some text ".repeat(20_000));
    expect((await unpack(storedXz(data), data.length)).equals(data)).toBe(true);
  });

  test("more than the limit is refused, and the decoder still works afterwards", async () => {
    const packed = storedXz(Buffer.alloc(200_000));
    await expect(unpack(packed, 199_999)).rejects.toThrow(XzError);
    expect(await unpack(packed, 200_000)).toHaveLength(200_000);
  });

  test("no data at all are damaged data", async () => {
    await expect(unpack(new Uint8Array(), 1)).rejects.toThrow(/damaged/);
  });
});
