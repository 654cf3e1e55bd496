import fc from "fast-check";
import { expect, test } from "vitest";
import { ProcfsError } from "../../../src/guest/procfs.js";
import { mountPoints, parseInotify } from "../../../src/process/files/inotify.js";

const WATCH =
  "2 ino:9e7e sdev:800013 mask:800afce ignored_mask:0 fhandle-bytes:8 fhandle-type:1 f_handle:7e9e0000640d1b6d";

const MOUNTINFO = `21 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw
22 21 0:20 / /proc rw - proc proc rw
30 21 8:19 /part /srv/part rw - ext4 /dev/sdb3 rw
31 21 8:19 / /home\\040of\\134all rw - ext4 /dev/sdb3 rw
`;

test("a watch is read with the handle of its file", () => {
  expect(parseInotify([WATCH])).toEqual([
    {
      number: 2,
      device: "8:19",
      mask: 0x800afce,
      handle: Uint8Array.of(8, 0, 0, 0, 1, 0, 0, 0, 0x7e, 0x9e, 0, 0, 0x64, 0x0d, 0x1b, 0x6d),
    },
  ]);
});

test("a file system without handles has none", () => {
  const [watch] = parseInotify(["a ino:1 sdev:15 mask:2 ignored_mask:0"]);
  expect(watch).toEqual({ number: 10, device: "0:21", mask: 2, handle: null });
});

test("a handle that is shorter than it says is none", () => {
  const [watch] = parseInotify([WATCH.replace("fhandle-bytes:8", "fhandle-bytes:9")]);
  expect(watch?.handle).toBeNull();
});

test("a line of another kind is refused, whatever it is", () => {
  expect(() => parseInotify(["wd:1"])).toThrow(ProcfsError);
  fc.assert(
    fc.property(fc.string(), (line) => {
      expect(() => parseInotify([line])).toThrow(ProcfsError);
    }),
  );
});

test("a file system is looked for at its root first, names as they are", () => {
  expect(mountPoints(MOUNTINFO, "8:19")).toEqual(["/home of\\all", "/srv/part"]);
  expect(mountPoints(MOUNTINFO, "8:2")).toEqual([]);
});

test("no text of mounts is too strange", () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (text, device) => {
      expect(Array.isArray(mountPoints(text, device))).toBe(true);
    }),
  );
});
