import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { field, parseFields, parseMaps, parseStat, ProcfsError } from "../../src/guest/procfs.js";

describe("/proc/PID/maps", () => {
  test("a file, anonymous memory, and a name with blanks and a newline", () => {
    const maps = parseMaps(
      "08048000-08049000 r-xp 00001000 08:01 1234                       /bin/busybox\n" +
        "b7f00000-b7f02000 rw-p 00000000 00:00 0 \n" +
        "bffdf000-c0000000 rw-s 00000000 00:10 7                          /a b\\012c (deleted)\n",
    );
    expect(maps).toEqual([
      {
        ...{ start: 0x8048000, end: 0x8049000, read: true, write: false, execute: true },
        ...{ shared: false, offset: 0x1000, device: "08:01", inode: 1234, path: "/bin/busybox" },
      },
      {
        ...{ start: 0xb7f00000, end: 0xb7f02000, read: true, write: true, execute: false },
        ...{ shared: false, offset: 0, device: "00:00", inode: 0, path: "" },
      },
      {
        ...{ start: 0xbffdf000, end: 0xc0000000, read: true, write: true, execute: false },
        ...{ shared: true, offset: 0, device: "00:10", inode: 7, path: "/a b\nc (deleted)" },
      },
    ]);
  });

  test("a name with characters that end a line elsewhere", () => {
    const [line] = parseMaps("b7f00000-b7f02000 rw-s 00000000 08:01 7 /a\u2028b\rc\u0085\n");
    expect(line?.path).toBe("/a\u2028b\rc\u0085");
  });

  test("any other line is refused", () => {
    expect(() => parseMaps("08048000 r-xp 0 08:01 1 /bin/sh\n")).toThrow(ProcfsError);
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), (text) => {
        fc.pre(text.trim() !== "");
        expect(() => parseMaps(text)).toThrow(ProcfsError);
      }),
    );
  });
});

describe("/proc/PID/stat", () => {
  const line = "20004 (a) (b) S 1 20004 20004 0 -1 4194304\n";

  test("a name may hold blanks and brackets; fields count from 1", () => {
    const stat = parseStat(line);
    expect([stat.name, stat.state]).toEqual(["a) (b", "S"]);
    expect([4, 5, 8, 9].map((number) => stat.field(number))).toEqual([1, 20004, -1, 4194304]);
  });

  test("a field that is missing, or no number, is refused by its number", () => {
    expect(() => parseStat(line).field(10)).toThrow(/field 10/);
    expect(() => parseStat("1 (x) S y").field(4)).toThrow(/field 4 .*"y"/);
    expect(() => parseStat("1 x S 1")).toThrow(ProcfsError);
  });

  test("whatever the name is, it is found", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 15 }), (name) => {
        expect(parseStat(`7 (${name}) R 3`)).toMatchObject({ name, state: "R" });
      }),
    );
  });
});

describe("files of named fields", () => {
  test("a name that is there several times keeps all values, in their order", () => {
    const fields = parseFields("Name:\tsh\nlock:\t1: FLOCK\nlock:\t2: POSIX\nno field\n");
    expect(field(fields, "Name")).toBe("sh");
    expect(fields.get("lock")).toEqual(["1: FLOCK", "2: POSIX"]);
    expect(() => field(fields, "Uid")).toThrow(new ProcfsError('the field "Uid" is missing'));
  });
});
