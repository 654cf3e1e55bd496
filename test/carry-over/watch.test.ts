import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CannotCarryFiles } from "../../src/carry-over/tree.js";
import { createWatch, parseReports } from "../../src/carry-over/watch.js";
import { outcomeOf } from "./proc-stub.js";
import { treeGuest } from "./tree-stub.js";

const HANDLE = [1, 2, 3, 4, 5, 6, 7, 8];

/** A report of the kernel, as fanotify(7) has it: about a name in a directory. */
function report(name: string, mask = 0x100): Uint8Array {
  const text = new TextEncoder().encode(`${name}\0`);
  const info = 12 + 8 + HANDLE.length + text.length;
  const length = 24 + ((info + 3) & ~3);
  const view = new DataView(new ArrayBuffer(length));
  view.setUint32(0, length, true);
  view.setUint8(4, 3);
  view.setUint16(6, 24, true);
  view.setUint32(8, mask, true);
  view.setInt32(16, -1, true);
  view.setUint8(24, 2);
  view.setUint16(26, info, true);
  view.setUint32(36, HANDLE.length, true);
  view.setInt32(40, 1, true);
  const bytes = new Uint8Array(view.buffer);
  bytes.set(HANDLE, 44);
  bytes.set(text, 44 + HANDLE.length);
  return bytes;
}

describe("what fanotify reports", () => {
  test("is names in directories, one after the other", () => {
    const reports = parseReports(Uint8Array.from([...report("a"), ...report("a longer name")]));
    expect(reports?.map(({ name }) => name)).toEqual(["a", "a longer name"]);
    expect(Array.from(reports?.[0]?.directory ?? []).slice(8)).toEqual(HANDLE);
  });

  test("is not relied on if some reports were lost", () => {
    expect(parseReports(report("a", 0x4000))).toBeNull();
  });

  test("is not relied on if it is cut off, or anything else", () => {
    const whole = report("name");
    for (let length = 1; length < whole.length; length++) {
      expect(parseReports(whole.slice(0, length)), String(length)).toBeNull();
    }
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const reports = parseReports(bytes);
        if (reports !== null) expect(reports.length * 44).toBeLessThanOrEqual(bytes.length);
      }),
    );
  });
});

describe.each([{ canReport: true }, { canReport: false }])("what changes, %o", (kernel) => {
  const nodes = {
    "/data": { directory: true },
    "/data/a": {},
    "/home": { directory: true },
    "/home/b": {},
  } as const;

  test("is found, and what is gone is null", () => {
    const guest = treeGuest(nodes, kernel);
    const watch = outcomeOf(createWatch(guest.stub));
    expect([...outcomeOf(watch.begin(guest.stub)).files.keys()]).toContain("/data/a");
    guest.files.delete("/data/a");
    guest.files.set("/data/c", { size: 1 });
    for (const name of ["a", "c"]) guest.reports.push({ directory: "/data", name });
    const { files } = outcomeOf(watch.changes(guest.stub));
    expect(files.get("/data/a")).toBeNull();
    expect(files.get("/data/c")).toMatchObject({ size: 1 });
    expect(files.size).toBe(2);
  });

  test("is not known where another file system was mounted meanwhile, so it does not count as gone", () => {
    for (const mount of ["/data", "/data/a"]) {
      const guest = treeGuest(nodes, kernel);
      const watch = outcomeOf(createWatch(guest.stub));
      outcomeOf(watch.begin(guest.stub));
      guest.mounts.add(mount);
      guest.reports.push({ directory: "/data", name: "a" });
      const look = () => outcomeOf(watch.changes(guest.stub));
      const path = kernel.canReport ? "/data/a" : mount;
      expect(look).toThrow(
        new CannotCarryFiles(
          `${path} lies where another file system was mounted meanwhile; try again`,
        ),
      );
    }
  });

  test("does not matter where another file system was mounted from the beginning", () => {
    const guest = treeGuest(nodes, kernel);
    guest.mounts.add("/home");
    const watch = outcomeOf(createWatch(guest.stub));
    expect(outcomeOf(watch.begin(guest.stub)).mounts).toEqual(["/home"]);
    guest.files.delete("/home/b");
    guest.reports.push({ directory: "/home", name: "b" });
    const { files } = outcomeOf(watch.changes(guest.stub));
    expect([...files.values()].filter((entry) => entry !== null)).toEqual([]);
  });
});

test("all names of a file are looked at, and all that lay in a directory that is gone, however many", () => {
  const many = 150_000;
  const names = Array.from({ length: many }, (_, index) => `/gone/${index}`);
  const nodes = Object.fromEntries(names.map((name) => [name, { inode: 7, links: many }]));
  const guest = treeGuest({ "/gone": { directory: true }, ...nodes }, { canReport: true });
  const watch = outcomeOf(createWatch(guest.stub));
  const begun = outcomeOf(watch.begin(guest.stub));
  expect(begun.files.size).toBe(many + 2);
  for (const path of ["/gone", ...names]) guest.files.delete(path);
  guest.reports.push({ directory: "/", name: "gone" });
  const { files } = outcomeOf(watch.changes(guest.stub));
  expect([...files]).toHaveLength(many + 1);
  expect([...files.values()].every((entry) => entry === null)).toBe(true);
});

test("names of one file that was written to by one of them are looked at, the last first", () => {
  const linked = { inode: 7, links: 3 };
  const nodes = { "/a": linked, "/b": {}, "/c": linked, "/d": linked };
  const guest = treeGuest(nodes, { canReport: true });
  const watch = outcomeOf(createWatch(guest.stub));
  outcomeOf(watch.begin(guest.stub));
  for (const name of ["/a", "/c", "/d"]) guest.files.set(name, { ...linked, size: 5 });
  guest.reports.push({ directory: "/", name: "c" });
  expect([...outcomeOf(watch.changes(guest.stub)).files.keys()]).toEqual(["/c", "/d", "/a"]);
});
