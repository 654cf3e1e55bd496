import { expect, test } from "vitest";
import { CannotCarry } from "../../../src/process/files/file-kind.js";
import { terminalPath } from "../../../src/process/files/terminal.js";
import { isCanonical, transparent } from "../../../src/process/files/terminal-settings.js";

test("a terminal is found by its device number", () => {
  expect(terminalPath(1, 0x440)).toBe("/dev/ttyS0");
  expect(terminalPath(1, 0x402)).toBe("/dev/tty2");
  expect(terminalPath(1, 0x8803)).toBe("/dev/pts/3");
  expect(terminalPath(1, 0x8902)).toBe("/dev/pts/258");
  expect(() => terminalPath(7, 0x0103)).toThrow(CannotCarry);
});

test("under transparent settings lines stay lines, and no character has a meaning of its own", () => {
  const termios = new Uint8Array(36).fill(0xff);
  const lines = transparent(termios, true);
  expect(isCanonical(lines)).toBe(true);
  expect(isCanonical(transparent(termios, false))).toBe(false);
  // Input and output modes; the interrupt and the erase character.
  expect([...lines.subarray(0, 8), lines[17], lines[19]]).toEqual(Array(10).fill(0));
  // Control modes, with the speed, are left alone, and so is what ends a line besides the newline.
  expect([...lines.subarray(8, 12), lines[28]]).toEqual(Array(5).fill(0xff));
  expect(termios.every((byte) => byte === 0xff)).toBe(true);
});
