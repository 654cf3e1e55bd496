import { expect, test } from "vitest";
import { namesIn } from "../../src/carry-over/tree.js";
import { directoryEntries, outcomeOf, stubThatReads } from "./proc-stub.js";

test("a directory without an end is not read to it", () => {
  const piece = directoryEntries(Array<string>(2000).fill("x".repeat(10)));
  function* forEver() {
    for (;;) yield piece;
  }
  const stub = stubThatReads({ "/d": forEver() });
  const fd = outcomeOf(stub.call("open", "/d"));
  expect(() => outcomeOf(namesIn(stub, fd))).toThrow(/more than 1000000 files in one directory/);
});

test("names in a directory are in order, without itself and the one above", () => {
  const stub = stubThatReads({
    "/d": [directoryEntries([".", "b", ".."]), directoryEntries(["a\xff"])],
  });
  expect(outcomeOf(namesIn(stub, outcomeOf(stub.call("open", "/d"))))).toEqual(["a\xff", "b"]);
});
