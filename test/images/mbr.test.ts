import { expect, test } from "vitest";
import { bootSector } from "../../src/images/mbr.js";

const mebibyte = 1 << 20;

test("a boot sector has GRUB's code, one bootable Linux partition, and the signature", () => {
  const sector = Buffer.from(bootSector(new Uint8Array(512).fill(0xcc), 96 * mebibyte));
  expect(sector.subarray(0, 440).every((byte) => byte === 0xcc)).toBe(true);
  // Active, first sector by CHS, type 83, last sector by CHS, start 2048, 95 MiB in sectors.
  expect(sector.toString("hex", 446, 462)).toBe("80feffff83feffff0008000000f80200");
  expect(sector.toString("hex", 462, 510)).toBe("00".repeat(48));
  expect(sector.toString("hex", 510)).toBe("55aa");
});

test("a disk without room for a partition is refused", () => {
  const code = new Uint8Array(512);
  expect(() => bootSector(code, mebibyte)).toThrow(/no room/);
  expect(() => bootSector(code, 2 * mebibyte + 1)).toThrow(/no room/);
  expect(() => bootSector(code, 3e12)).toThrow(/no room/);
});

test("boot code of another size is refused", () => {
  expect(() => bootSector(new Uint8Array(513), 96 * mebibyte)).toThrow(/not one sector/);
});
