import { expect, test } from "vitest";
import { errnoName, errnoOf, SystemCallFailed } from "../../src/guest/errno.js";

test("a result between -4095 and -1 is an error, all others are results", () => {
  expect(errnoOf(-2)).toBe(2);
  expect(errnoOf(-4095)).toBe(4095);
  expect(errnoOf(-4096)).toBeNull();
  expect(errnoOf(0)).toBeNull();
  // An address in the upper half of memory, as mmap may give it.
  expect(errnoOf(0xb7f00000 | 0)).toBeNull();
});

test("an error is called by its name, and by its number if it has none", () => {
  expect(errnoName(2)).toBe("ENOENT");
  expect(errnoName(516)).toBe("ERESTART_RESTARTBLOCK");
  expect(errnoName(3000)).toBe("error 3000");
});

test("a failed call says what was called and why it failed", () => {
  const failed = new SystemCallFailed('open("/nowhere", 0)', 2);
  expect(failed.message).toBe('open("/nowhere", 0) failed with ENOENT');
  expect(failed.is("EPERM", "ENOENT")).toBe(true);
  expect(failed.is("EPERM")).toBe(false);
});
