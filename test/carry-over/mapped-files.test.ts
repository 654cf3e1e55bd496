import { expect, test } from "vitest";
import type { Manifest } from "../../src/carry-over/entry.js";
import { mappedFiles } from "../../src/carry-over/mapped-files.js";
import { SystemCallFailed } from "../../src/guest/errno.js";
import { ProcfsError } from "../../src/guest/procfs.js";
import { directoryEntries, outcomeOf, stubThatReads } from "./proc-stub.js";
import { file } from "./sample-files.js";

const ESRCH = 3;
const EIO = 5;
const LIBRARY = "b7000000-b7002000 r-xp 00000000 08:01 8 /lib/libc.so\n";

/** A line of maps for a file that is written to through memory. */
function written(path: string): string {
  return `b7f00000-b7f02000 rw-s 00000000 08:01 7                          ${path}\n`;
}

/** The files that processes have mapped, by what the maps of each say, or the error that they end with. */
function mapped(maps: readonly (string | number)[], noted: Manifest = new Map()): string[] {
  const processes = maps.map((_, index) => String(index + 1));
  const files: Parameters<typeof stubThatReads>[0] = {
    "/proc": [directoryEntries(["self", ...processes])],
  };
  for (const [index, each] of maps.entries()) {
    files[`/proc/${index + 1}/maps`] =
      typeof each === "number" ? each : [Uint8Array.from(Buffer.from(each, "latin1"))];
  }
  const stub = stubThatReads(files);
  return outcomeOf(mappedFiles(stub, noted));
}

test("a file that is written to through memory is found, whatever bytes its name has", () => {
  // UTF-8 of U+2028, which ends a line to JavaScript; bytes that are no UTF-8; a newline as the kernel writes it.
  const names = ["/a\xe2\x80\xa8b", "/gr\xfc\xdf\x85", "/two\\012lines"];
  expect(mapped([LIBRARY + names.map(written).join("") + LIBRARY])).toEqual([
    ...["/a\xe2\x80\xa8b", "/gr\xfc\xdf\x85", "/two\nlines"],
  ]);
});

test("a process that has ended meanwhile does not hide the others; anything else that fails does not pass", () => {
  expect(mapped([2, ESRCH, written("/a")])).toEqual(["/a"]);
  expect(() => mapped([EIO, written("/a")])).toThrow(SystemCallFailed);
  expect(() => mapped(["no maps\n", written("/a")])).toThrow(ProcfsError);
});

test("a file whose name is gone is found by that name; one that is only called so by its own", () => {
  const both = [written("/a (deleted)") + written("/b (deleted)")];
  expect(mapped(both, new Map([["/b (deleted)", file()]]))).toEqual(["/a", "/b (deleted)"]);
});
