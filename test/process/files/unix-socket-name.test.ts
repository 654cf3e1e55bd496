import { expect, test } from "vitest";
import { isNamed, showName } from "../../../src/process/files/unix-socket-name.js";

function address(name: string): Uint8Array {
  return Uint8Array.of(1, 0, ...new TextEncoder().encode(name));
}

test("a name in the file system ends at its first zero", () => {
  expect(showName(address("/run/socket\0\0\0"))).toBe(" /run/socket");
  expect(showName(address("/run/socket"))).toBe(" /run/socket");
});

test("a name beside the file system is shown with an @", () => {
  expect(showName(address("\0name"))).toBe(" @name");
});

test("a family alone is no name", () => {
  expect(isNamed(address(""))).toBe(false);
  expect(showName(address(""))).toBe("");
  expect(showName(new Uint8Array(0))).toBe("");
});
