import { expect, test } from "vitest";
import { csv } from "../../src/experiment/csv.js";

test("rows stand below the names of their fields", () => {
  expect(csv([{ guest: "busybox", ms: 1.5, kept: true, reason: null }])).toBe(
    "guest,ms,kept,reason\nbusybox,1.5,true,\n",
  );
});

test("what would end a cell is quoted", () => {
  expect(csv([{ a: 'say "no", then\ngo' }])).toBe('a\n"say ""no"", then\ngo"\n');
});
