import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  asV86Disk,
  createOverlayDisk,
  DiskError,
  type OverlayDisk,
} from "../../src/storage/overlay-disk.js";
import { checkPages, PAGE_SIZE, PagesError } from "../../src/storage/pages.js";
import { pagesOf, plain, text } from "./arbitraries.js";

const BLOCKS = 5;
const SIZE = BLOCKS * PAGE_SIZE;

/** A base in which every 512-byte sector is different. */
function baseImage(): Uint8Array {
  return Uint8Array.from({ length: SIZE }, (_, i) => 1 + (i >>> 9));
}

function diskOn(base = baseImage()): OverlayDisk {
  return createOverlayDisk({ name: "system", base });
}

/** Something to do to one of two disks; ranges are what an IDE disk may ask for, and others. */
const step = fc.record({
  to: fc.nat(1),
  verb: fc.constantFrom("write", "write", "write", "read", "fork", "replace", "discard"),
  sectors: fc.boolean(),
  from: fc.nat(SIZE),
  till: fc.nat(SIZE),
  byte: fc.nat(255),
});

describe("overlay disk", () => {
  test("behaves as a plain image, and a fork as a copy of one", () => {
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const base = baseImage();
        const disks = [diskOn(base), diskOn(base)];
        const models = [base.slice(), base.slice()];
        for (const { to, verb, sectors, from, till, byte } of steps) {
          const [disk, model] = [disks[to], models[to]];
          if (disk === undefined || model === undefined) continue;
          const [low = 0, high = 0] = [from, till]
            .sort((a, b) => a - b)
            .map((at) => (sectors ? at & ~511 : at));
          const data = Uint8Array.from({ length: high - low }, (_, i) => byte + i);
          if (verb === "write") {
            disk.write(low, data);
            model.set(data, low);
          } else if (verb === "read") {
            expect(text(disk.read(low, high - low))).toBe(text(model.subarray(low, high)));
          } else if (verb === "discard") {
            disk.discard();
            model.set(base);
          } else {
            if (verb === "fork") disks[1 - to] = disk.fork();
            else disks[1 - to]?.replace(disk.diff());
            models[1 - to] = model.slice();
          }
        }
        disks.forEach((disk, i) => {
          const model = text(models[i] ?? base);
          expect(text(disk.read(0, SIZE))).toBe(model);
          expect(text(disk.commit())).toBe(model);
          const diff = disk.diff();
          checkPages(diff);
          const again = createOverlayDisk({ name: "system", base, overlay: diff });
          expect(text(again.read(0, SIZE))).toBe(model);
        });
        expect(text(base)).toBe(text(baseImage()));
      }),
    );
  });

  test("the diff lists the blocks written, ascending, whatever the order of the writes", () => {
    const disk = diskOn();
    disk.write(3 * PAGE_SIZE, new Uint8Array(PAGE_SIZE).fill(33));
    disk.write(PAGE_SIZE, new Uint8Array(PAGE_SIZE));
    expect(plain(disk.diff())).toEqual(plain(pagesOf(BLOCKS, [1, 0], [3, 33])));
  });

  test("what goes in and out is copied", () => {
    const disk = diskOn();
    const data = new Uint8Array(PAGE_SIZE).fill(9);
    disk.write(0, data);
    const before = plain(disk.diff());
    data.fill(1);
    disk.read(0, PAGE_SIZE).fill(2);
    disk.diff().data.fill(3);
    disk.commit().fill(4);
    const overlay = disk.diff();
    disk.replace(overlay);
    overlay.data.fill(5);
    expect(plain(disk.diff())).toEqual(before);
  });

  test("reads of a base that is a Buffer or in shared memory are copies too", () => {
    const shared = new Uint8Array(new SharedArrayBuffer(SIZE));
    for (const base of [Buffer.alloc(SIZE, 7), shared.fill(7)]) {
      const disk = diskOn(base);
      disk.read(0, SIZE).fill(1);
      disk.commit().fill(1);
      expect(text(disk.read(0, SIZE))).toBe(text(new Uint8Array(SIZE).fill(7)));
      expect(disk.read(0, 1).buffer).toBeInstanceOf(ArrayBuffer);
    }
  });

  test.each([
    [-1, 1],
    [0, SIZE + 1],
    [SIZE, 1],
    [SIZE + 512, 0],
    [1, SIZE],
    [0.5, 1],
    [0, 0.5],
    [0, -1],
    [SIZE, -512],
    [2 ** 32, 512],
    [2 ** 53, 512],
    [NaN, 512],
    [0, Infinity],
  ])("a read at %d of %d bytes is refused", (offset, length) => {
    expect(() => diskOn().read(offset, length)).toThrow(DiskError);
  });

  test("a write that ends outside changes nothing", () => {
    const disk = diskOn();
    expect(() => {
      disk.write(SIZE - 512, new Uint8Array(1024));
    }).toThrow("disk system: 1024 bytes at byte 19968 do not lie on a disk of 20480 bytes");
    expect(disk.diff().numbers).toHaveLength(0);
  });

  test("an overlay of another disk is refused, and the old one stays", () => {
    const disk = diskOn();
    disk.write(0, Uint8Array.of(9));
    const before = plain(disk.diff());
    expect(() => {
      disk.replace(pagesOf(BLOCKS + 1, [0, 1]));
    }).toThrow(DiskError);
    expect(() => {
      disk.replace({ ...pagesOf(BLOCKS, [0, 1]), numbers: Uint32Array.of(BLOCKS) });
    }).toThrow(PagesError);
    expect(plain(disk.diff())).toEqual(before);
  });

  test("a base with half a block is refused", () => {
    expect(() => diskOn(new Uint8Array(PAGE_SIZE + 512))).toThrow(DiskError);
  });
});

describe("withheld disk", () => {
  test("shows zeros and keeps no write until it is attached", () => {
    const disk = diskOn();
    disk.write(0, Uint8Array.of(9));
    disk.withhold();
    expect(disk.isWithheld).toBe(true);
    disk.write(512, new Uint8Array(512).fill(8));
    expect(text(disk.read(0, SIZE))).toBe(text(new Uint8Array(SIZE)));
    expect(disk.diff().numbers).toHaveLength(0);

    disk.attach(pagesOf(BLOCKS, [1, 77]));
    expect(disk.isWithheld).toBe(false);
    const expected = baseImage().fill(77, PAGE_SIZE, 2 * PAGE_SIZE);
    expect(text(disk.read(0, SIZE))).toBe(text(expected));
  });

  test("checks ranges as ever", () => {
    const disk = diskOn();
    disk.withhold();
    expect(() => disk.read(SIZE, 512)).toThrow(DiskError);
    expect(() => {
      disk.write(SIZE, new Uint8Array(512));
    }).toThrow(DiskError);
  });

  test("a fork of it is withheld, until it is attached itself", () => {
    const disk = diskOn();
    disk.withhold();
    const fork = disk.fork();
    fork.attach(pagesOf(BLOCKS));
    expect(text(fork.read(0, SIZE))).toBe(text(baseImage()));
    expect(disk.isWithheld).toBe(true);
    expect(disk.fork().isWithheld).toBe(true);
  });

  test("does not give its contents away by commit or by replace", () => {
    const disk = diskOn();
    disk.withhold();
    expect(() => disk.commit()).toThrow("attach it first");
    expect(() => {
      disk.replace(pagesOf(BLOCKS));
    }).toThrow("attach it first");
    disk.discard();
    expect(disk.isWithheld).toBe(true);
  });

  test("stays withheld if what is attached does not fit", () => {
    const disk = diskOn();
    disk.withhold();
    expect(() => {
      disk.attach(pagesOf(1));
    }).toThrow(DiskError);
    expect(disk.isWithheld).toBe(true);
  });
});

describe("disk for v86", () => {
  test("is taken as it is, and tells that it is loaded", () => {
    const buffer = asV86Disk(diskOn());
    const events: object[] = [];
    buffer.load();
    buffer.onload = (event) => events.push(event);
    buffer.load();
    expect(events).toHaveLength(1);
    expect(buffer.byteLength).toBe(SIZE);
  });

  test("reads and writes the disk before the call returns", () => {
    const disk = diskOn();
    const buffer = asV86Disk(disk);
    const log: string[] = [];
    buffer.set(512, new Uint8Array(512).fill(9), () => log.push("written"));
    buffer.get(512, 1024, (data) => log.push(`${data.length}: ${data[0]} ${data[512]}`));
    expect(log).toEqual(["written", "1024: 9 3"]);
    expect(disk.read(512, 1)).toEqual(Uint8Array.of(9));
  });

  test("keeps its contents out of v86's state", () => {
    const disk = diskOn();
    const buffer = asV86Disk(disk);
    disk.write(0, Uint8Array.of(9));
    expect(buffer.get_state()).toEqual([]);
    buffer.set_state();
    buffer.get_buffer((whole) => {
      expect(whole).toBeUndefined();
    });
    expect(disk.read(0, 1)).toEqual(Uint8Array.of(9));
  });
});
