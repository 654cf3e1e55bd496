import { expect, test } from "vitest";
import { STUB_AREA, STUB_LOOP, stubProgram } from "../../src/guest/stub.js";
import { TRAP_PORT } from "../../src/machine/resident.js";

/** What the tests of a machine run: see the same bytes there. */
const GOLDEN =
  "7f454c46 01010100 00000000 00000000 02000300 01000000 54000100 34000000" +
  "00000000 00000000 34002000 01000000 00000000 01000000 00000000 00000100" +
  "00000100 6e000000 6e000000 05000000 00100000" +
  "b86e000000 bb03000000 cd80" + // iopl(3)
  "bc65000100" + // mov esp, the loop
  "66bae005 ef cd80 ffe4";

const hex = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

test("the stub's file has these bytes", () => {
  expect(hex(stubProgram())).toBe(GOLDEN.replaceAll(" ", ""));
});

test("it is loaded as a whole, starts behind its headers, and esp is where its loop lies", () => {
  const file = stubProgram();
  const view = new DataView(file.buffer);
  const [entry, loadedAt, bytes] = [24, 0x34 + 8, 0x34 + 16].map((at) => view.getUint32(at, true));
  expect(loadedAt).toBe(STUB_AREA.start);
  expect(bytes).toBe(file.length);
  const start = (entry ?? 0) - STUB_AREA.start;
  expect(start).toBe(0x54);
  const loop = view.getUint32(start + 13, true) - STUB_AREA.start;
  expect(file.subarray(loop)).toEqual(STUB_LOOP);
});

test("the loop traps at the port that the machine watches", () => {
  expect(new DataView(STUB_LOOP.buffer).getUint16(2, true)).toBe(TRAP_PORT);
});
