import { Readable } from "node:stream";
import { extract } from "tar-stream";
import { describe, expect, test } from "vitest";
import { plainTar } from "../../src/images/import-tar.js";
import { tarball } from "../support/tarball.js";

/** What another program reads in the archive that comes out. */
async function unpacked(archive: Uint8Array): Promise<object[]> {
  const { pieces } = plainTar("root.tar", archive);
  const tar = Readable.from(pieces.map((piece) => Buffer.from(piece))).pipe(extract());
  const found: object[] = [];
  for await (const entry of tar) {
    let content = "";
    for await (const piece of entry) content += String(piece);
    const { name, linkname, uid, mode, pax } = entry.header;
    expect(pax).toBeNull();
    found.push({ name, linkname, uid, mode, content });
  }
  return found;
}

const DEEP = `usr/${"long-name/".repeat(30)}ä`;

describe("a tar archive for the workshop", () => {
  test("has what was in it, and names of any length without a pax header", async () => {
    const archive = await tarball([
      { name: "etc/passwd", content: "root:x:0:0::/:/bin/sh\n", mode: 0o640 },
      { name: DEEP, content: "deep", pax: { uid: "3000000" } },
      { name: "link", type: "symlink", linkname: DEEP },
      { name: "etc/last", content: "x".repeat(600) },
    ]);
    expect(Buffer.from(archive).includes("path=usr/long-name")).toBe(true);
    const entries = await unpacked(archive);
    expect(entries).toMatchObject([
      { name: "etc/passwd", content: "root:x:0:0::/:/bin/sh\n", mode: 0o640 },
      { name: DEEP, content: "deep", uid: 3_000_000 },
      { name: "link", linkname: DEEP },
      { name: "etc/last", content: "x".repeat(600) },
    ]);
  });

  test("tells how many files had attributes that it does not have", async () => {
    const pax = { "SCHILY.xattr.security.selinux": "system_u:object_r:bin_t" };
    const archive = await tarball([
      { name: "a", content: "1", pax },
      { name: "b", content: "2" },
    ]);
    expect(plainTar("root.tar", archive).withoutAttributes).toBe(1);
  });

  test("is refused wherever it is cut off", async () => {
    const archive = await tarball([{ name: "a", content: "x".repeat(1000) }, { name: "b" }]);
    // Three blocks of the first file, one of the second; then comes the end.
    for (const length of [0, 100, 512, 1000, 1535, 1536, 1700, 2048, 2300]) {
      expect(() => plainTar("root.tar", archive.subarray(0, length)), String(length)).toThrow(
        /root.tar is cut off.*once more/,
      );
    }
    expect(() => plainTar("root.tar", archive.subarray(0, 2560))).not.toThrow();
  });

  test("is refused if it is damaged, or has holes", async () => {
    const archive = await tarball([{ name: "a", content: "1" }, { name: "b" }]);
    const damaged = archive.slice();
    damaged[1030] = 7;
    expect(() => plainTar("root.tar", damaged)).toThrow(/damaged.*at byte 1024/);
    const pax = { "GNU.sparse.major": "1" };
    const sparse = await tarball([{ name: "a", content: "1", pax }]);
    expect(() => plainTar("root.tar", sparse)).toThrow(/sparse.*without "--sparse"/);
    const broken = Buffer.from(await tarball([{ name: "a", content: "1", pax }]));
    broken.write("99", broken.indexOf(" GNU.sparse") - 2);
    expect(() => plainTar("root.tar", broken)).toThrow(/pax header that makes no sense/);
  });

  test.each(["-1536", "many", "1.5"])("is refused if a file has the size %s", async (size) => {
    const archive = await tarball([{ name: "a", content: "1", pax: { size } }]);
    expect(() => plainTar("root.tar", archive)).toThrow(
      /damaged: the file at byte 1024 has no size/,
    );
  });

  test("is refused if a header has a negative size", async () => {
    const archive = Buffer.from(await tarball([{ name: "a", content: "1" }]));
    archive.write("-0000001000", 124);
    const sum = archive.subarray(0, 512).reduce((so, byte, at) => {
      return so + (at >= 148 && at < 156 ? 0x20 : byte);
    }, 0);
    archive.write(sum.toString(8).padStart(6, "0"), 148);
    expect(() => plainTar("root.tar", archive)).toThrow(/damaged: the file at byte 0 has no size/);
  });
});
