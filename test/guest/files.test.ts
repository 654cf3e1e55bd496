import { expect, test } from "vitest";
import { FileTooLong, readFile } from "../../src/guest/files.js";
import { outcomeOf, stubThatReads } from "../carry-over/proc-stub.js";

test("a file is read in as many pieces as it takes", () => {
  const stub = stubThatReads({ "/f": [Uint8Array.of(1, 2), Uint8Array.of(3)] });
  expect(outcomeOf(readFile(stub, "/f"))).toEqual(Uint8Array.of(1, 2, 3));
});

test("a file without an end is not read to it", () => {
  function* forEver() {
    for (;;) yield new Uint8Array(0x10000);
  }
  const stub = stubThatReads({ "/zero": forEver() });
  expect(() => outcomeOf(readFile(stub, "/zero"))).toThrow(FileTooLong);
});
