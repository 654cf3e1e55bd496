import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { inLoadOrder, KernelModuleError } from "../../src/images/kernel-modules.js";

/** A 32-bit object file with a `.modinfo` section and nothing else. */
function moduleThatNeeds(...names: string[]): Buffer {
  const info = Buffer.from(`license=GPL\0depends=${names.join(",")}\0name=x\0`);
  const strings = Buffer.from("\0.modinfo\0.shstrtab\0");
  const file = Buffer.alloc(52 + 3 * 40 + info.length + strings.length);
  Buffer.from([0x7f, 0x45, 0x4c, 0x46, 1, 1, 1]).copy(file);
  file.writeUInt32LE(52, 32); // section headers
  file.writeUInt16LE(40, 46); // bytes of one
  file.writeUInt16LE(3, 48); // how many
  file.writeUInt16LE(2, 50); // the one with the names
  const place = (index: number, nameAt: number, content: Buffer, at: number) => {
    file.writeUInt32LE(nameAt, 52 + index * 40);
    file.writeUInt32LE(at, 52 + index * 40 + 16);
    file.writeUInt32LE(content.length, 52 + index * 40 + 20);
    content.copy(file, at);
  };
  place(1, 1, info, 172);
  place(2, 10, strings, 172 + info.length);
  return file;
}

const kernel = new Map([
  ["kernel/fs/ext4/ext4.ko", moduleThatNeeds("jbd2", "mbcache", "crc16")],
  ["kernel/fs/jbd2/jbd2.ko", moduleThatNeeds()],
  ["kernel/fs/mbcache.ko", moduleThatNeeds()],
  ["kernel/lib/crc16.ko", moduleThatNeeds()],
  ["kernel/drivers/ata/ata_piix.ko", moduleThatNeeds("libata", "scsi-mod")],
  ["kernel/drivers/ata/libata.ko", moduleThatNeeds("scsi_mod")],
  ["kernel/drivers/scsi/scsi_mod.ko", moduleThatNeeds()],
]);
const order = (...wanted: string[]) => inLoadOrder(wanted, kernel).map((module) => module.name);

test("each module comes once, after those that it needs", () => {
  expect(order("ata_piix", "ext4", "ata_piix")).toEqual([
    "scsi_mod",
    "libata",
    "ata_piix",
    "jbd2",
    "mbcache",
    "crc16",
    "ext4",
  ]);
});

test("a module that is not there is named together with who needs it", () => {
  const objects = new Map([["a.ko", moduleThatNeeds("b")]]);
  expect(() => inLoadOrder(["a"], objects)).toThrow(/no module for a needs b/);
});

test("modules that need each other are refused", () => {
  const objects = new Map([
    ["a.ko", moduleThatNeeds("b")],
    ["b.ko", moduleThatNeeds("a")],
  ]);
  expect(() => inLoadOrder(["a"], objects)).toThrow("a needs b needs a");
});

describe("a damaged object file", () => {
  test("without a .modinfo section says so", () => {
    const file = moduleThatNeeds();
    file.write(".modinfX", file.indexOf(".modinfo"));
    expect(() => inLoadOrder(["a"], new Map([["a.ko", file]]))).toThrow(/no section .modinfo/);
  });

  test("gives one clear error, never another", () => {
    const file = moduleThatNeeds("b");
    fc.assert(
      fc.property(fc.nat(file.length - 1), fc.nat(255), fc.boolean(), (at, byte, cut) => {
        const hostile = Buffer.from(cut ? file.subarray(0, at) : file);
        if (!cut) hostile[at] = byte;
        try {
          inLoadOrder(
            ["a"],
            new Map([
              ["a.ko", hostile],
              ["b.ko", moduleThatNeeds()],
            ]),
          );
        } catch (error) {
          expect(error).toBeInstanceOf(KernelModuleError);
        }
      }),
    );
  });
});
