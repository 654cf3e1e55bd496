import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { findPage, PAGE_BYTES } from "../../src/guest/page-tables.js";

const RAM_BYTES = 0x20000;

/** RAM in which entries stand at physical addresses. */
function ramWith(entries: Readonly<Record<number, number>>): DataView {
  const ram = new DataView(new ArrayBuffer(RAM_BYTES));
  for (const [at, entry] of Object.entries(entries)) ram.setUint32(Number(at), entry, true);
  return ram;
}

describe("32-bit paging", () => {
  const tables = { root: 0x1000, extended: false };
  const address = 0x08049123;
  const directory = 0x1000 + 4 * 0x20;
  const table = 0x2000 + 4 * 0x49;

  test("an address is found by way of the directory and a table", () => {
    const ram = ramWith({ [directory]: 0x2007, [table]: 0x5007 });
    expect(findPage(ram, tables, address)).toEqual({ address: 0x5000, writable: true });
  });

  test("it can be written to only if both entries say so", () => {
    const readOnlyPage = ramWith({ [directory]: 0x2007, [table]: 0x5005 });
    expect(findPage(readOnlyPage, tables, address)?.writable).toBe(false);
    const readOnlyTable = ramWith({ [directory]: 0x2005, [table]: 0x5007 });
    expect(findPage(readOnlyTable, tables, address)?.writable).toBe(false);
  });

  test("a page that is not in RAM is not found", () => {
    expect(findPage(ramWith({ [directory]: 0x2006 }), tables, address)).toBeNull();
    expect(findPage(ramWith({ [directory]: 0x2007, [table]: 0x5006 }), tables, address)).toBeNull();
    const beyond = ramWith({ [directory]: 0x2007, [table]: RAM_BYTES | 7 });
    expect(findPage(beyond, tables, address)).toBeNull();
  });

  test("a large page holds 1024 small ones", () => {
    const ram = ramWith({ [0x1000]: 0x87 });
    expect(findPage(ram, tables, 0x3456)).toEqual({ address: 0x3000, writable: true });
  });
});

describe("PAE paging", () => {
  const tables = { root: 0x1020, extended: true };
  const address = 0xbfffe123;
  const entries = {
    [0x1020 + 8 * 2]: 0x2001,
    [0x2000 + 8 * 511]: 0x3007,
    [0x3000 + 8 * 510]: 0x6007,
  };

  test("an address is found by way of three tables of entries of 8 bytes", () => {
    expect(findPage(ramWith(entries), tables, address)).toEqual({
      address: 0x6000,
      writable: true,
    });
  });

  test("a large page holds 512 small ones", () => {
    const ram = ramWith({ ...entries, [0x2000 + 8 * 511]: 0x85 });
    expect(findPage(ram, tables, 0xbfe01000)).toEqual({ address: 0x1000, writable: false });
  });
});

test("whatever stands in the tables, a page that is found lies in RAM", () => {
  const words = fc.array(fc.tuple(fc.nat({ max: RAM_BYTES / 4 - 1 }), fc.nat({ max: 0xffffffff })));
  const u32 = fc.nat({ max: 0xffffffff });
  fc.assert(
    fc.property(words, u32, u32, fc.boolean(), (entries, root, address, extended) => {
      const ram = ramWith(Object.fromEntries(entries.map(([word, entry]) => [4 * word, entry])));
      const page = findPage(ram, { root, extended }, address);
      if (page === null) return;
      expect(page.address % PAGE_BYTES).toBe(0);
      expect(page.address).toBeGreaterThanOrEqual(0);
      expect(page.address + PAGE_BYTES).toBeLessThanOrEqual(RAM_BYTES);
    }),
  );
});
