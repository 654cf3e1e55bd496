import fc from "fast-check";
import { expect, test } from "vitest";
import { ProcfsError } from "../../src/guest/procfs.js";
import { parseLocks } from "../../src/process/file-locks.js";
import { CannotCarry } from "../../src/process/files/file-kind.js";

const parse = (line: string) => parseLocks([line], "a file");

test("the lock of a whole open file", () => {
  expect(parse("1: FLOCK  ADVISORY  WRITE 614 08:11:13 0 EOF")).toEqual([
    { type: "flock", exclusive: true, start: 0n, last: null },
  ]);
});

test("the lock of a process on a range", () => {
  expect(parse("1: POSIX  ADVISORY  READ 614 08:11:14 100 109")).toEqual([
    { type: "process", exclusive: false, start: 100n, last: 109n },
  ]);
});

test("the lock of an open file up to its end, wherever that is", () => {
  expect(parse("2: OFDLCK ADVISORY  WRITE -1 08:11:15 4294967296 EOF")).toEqual([
    { type: "open-file", exclusive: true, start: 4_294_967_296n, last: null },
  ]);
});

test("a lease is refused by name", () => {
  const lease = "1: LEASE  ACTIVE    READ 614 08:11:16 0 EOF";
  expect(() => parse(lease)).toThrow(new CannotCarry("there is a lease on a file"));
});

test("a line of another kind is refused, whatever it is", () => {
  expect(() => parse("1: POSIX ADVISORY READ 614 08:11:14 100")).toThrow(ProcfsError);
  fc.assert(
    fc.property(fc.string(), (line) => {
      expect(() => parse(line)).toThrow(ProcfsError);
    }),
  );
});
