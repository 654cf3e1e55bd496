import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { deflateRawSync, inflateRawSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { virtualMs } from "../../src/clock/virtual-time.js";
import { deflate } from "../../src/storage/compression.js";
import { checkWhole, type Snapshot, SnapshotError } from "../../src/storage/snapshot.js";
import {
  decodeSnapshot,
  encodeSnapshot,
  readSnapshotHeader,
} from "../../src/storage/snapshot-file.js";
import { encodeHeader, type SnapshotHeader } from "../../src/storage/snapshot-header.js";
import { pagesOf, sparsePagesOf, text } from "./arbitraries.js";
import { plainSnapshot, sampleConfig, sampleSnapshot } from "./sample-snapshot.js";

const golden = new Uint8Array(await readFile(new URL("snapshot-1.0.bin", import.meta.url)));

interface Part {
  name: string;
  rawBytes: number;
  stored: Uint8Array;
}

/** A file with every checksum right, whatever was done to the sections or the header of the sample. */
async function forge(
  change: (parts: Part[]) => void,
  fields: Partial<SnapshotHeader> = {},
): Promise<Uint8Array> {
  const header = await readSnapshotHeader(golden);
  let at = golden.length - header.sections.reduce((sum, { storedBytes }) => sum + storedBytes, 0);
  const parts = header.sections.map(({ name, rawBytes, storedBytes }) => {
    const stored = golden.slice(at, at + storedBytes);
    at += storedBytes;
    return { name, rawBytes, stored };
  });
  change(parts);
  const sections = parts.map(({ name, rawBytes, stored }) => {
    const sha256 = createHash("sha256").update(stored).digest("hex");
    return { name, rawBytes, storedBytes: stored.length, sha256 };
  });
  const start = await encodeHeader({ ...header, ...fields, sections });
  return Buffer.concat([start, ...parts.map(({ stored }) => stored)]);
}

/** Puts other content into one section. */
function put(name: string, raw: Uint8Array) {
  return (parts: Part[]): void => {
    for (const part of parts.filter((each) => each.name === name)) {
      part.rawBytes = raw.length;
      part.stored = deflate(raw);
    }
  };
}

function index(...numbers: number[]): Uint8Array {
  return new Uint8Array(Uint32Array.from(numbers).buffer);
}

async function refusal(file: Uint8Array): Promise<string> {
  const error: unknown = await decodeSnapshot(file).then(
    () => "it was taken",
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(SnapshotError);
  return error instanceof Error ? error.message : "";
}

describe("format 1.0", () => {
  test("the sample is written as it was when the format was fixed", async () => {
    expect(text(await encodeSnapshot(sampleSnapshot, { comment: "after boot" }))).toBe(
      text(golden),
    );
  });

  test("a file written then is still read", async () => {
    expect(plainSnapshot(await decodeSnapshot(golden))).toEqual(plainSnapshot(sampleSnapshot));
  });

  test("can be read from its description alone", () => {
    const file = Buffer.from(golden);
    expect(file.subarray(0, 8).toString("latin1")).toBe("\x89SRSN\r\n\x1a");
    expect([file.readUInt16LE(8), file.readUInt16LE(10)]).toEqual([1, 0]);
    const end = 48 + file.readUInt32LE(12);
    const covered = Buffer.concat([file.subarray(0, 16), file.subarray(48, end)]);
    expect(text(file.subarray(16, 48))).toBe(createHash("sha256").update(covered).digest("base64"));
    // The test trusts its own file.
    const header = JSON.parse(file.subarray(48, end).toString()) as SnapshotHeader;
    expect(header.comment).toBe("after boot");

    let at = end;
    const raw = new Map<string, Buffer>();
    for (const { name, rawBytes, storedBytes, sha256 } of header.sections) {
      const stored = file.subarray(at, at + storedBytes);
      expect(createHash("sha256").update(stored).digest("hex")).toBe(sha256);
      raw.set(name, inflateRawSync(stored));
      expect(raw.get(name)).toHaveLength(rawBytes);
      at += storedBytes;
    }
    expect(at).toBe(file.length);
    const words = (name: string) => {
      const bytes = raw.get(name) ?? Buffer.alloc(0);
      return Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readUInt32LE(i * 4));
    };
    expect(words("ram")).toEqual([0, 1, 7, 2, 4095, 1]);
    expect(words("disk0")).toEqual([1, 2, 2, 0]);
    expect(words("disk1")).toEqual([]);
    expect(raw.get("pages")).toEqual(Buffer.concat([Buffer.alloc(4096, 1), Buffer.alloc(4096, 2)]));
    expect(raw.get("devices")).toEqual(Buffer.from(sampleSnapshot.devices));
  });

  test("the order of a configuration's fields does not show in the file", async () => {
    const reversed = Object.fromEntries(Object.entries(sampleConfig).reverse());
    const config = { ...reversed, ...sampleConfig };
    const file = await encodeSnapshot({ ...sampleSnapshot, config }, { comment: "after boot" });
    expect(text(file)).toBe(text(golden));
  });
});

describe("writing and reading", () => {
  const snapshots: fc.Arbitrary<Snapshot> = fc
    .record({
      clock: fc.double({ min: 0, max: 1e12, noNaN: true }).map((ms) => virtualMs(Math.abs(ms))),
      randomState: fc.nat(0xffffffff),
      devices: fc.oneof(fc.uint8Array(), fc.constant(new Uint8Array(200_000).fill(3))),
      ram: sparsePagesOf(20).map((pages) => ({ ...pages, pageCount: 4096 })),
      system: sparsePagesOf(8),
      home: sparsePagesOf(4),
    })
    .map(({ system, home, ...rest }) => ({ ...sampleSnapshot, ...rest, disks: [system, home] }));

  test("gives back the same snapshot, and the same bytes again", async () => {
    await fc.assert(
      fc.asyncProperty(snapshots, async (snapshot) => {
        const file = await encodeSnapshot(snapshot);
        const again = await decodeSnapshot(file);
        expect(plainSnapshot(again)).toEqual(plainSnapshot(snapshot));
        expect(text(await encodeSnapshot(again))).toBe(text(file));
      }),
      { numRuns: 60 },
    );
  });

  test("bytes that do not compress come back", async () => {
    const devices = new Uint8Array(300_000);
    for (let i = 0, state = 1; i < devices.length; i++) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      devices[i] = state >>> 24;
    }
    const file = await encodeSnapshot({ ...sampleSnapshot, devices });
    expect(text((await decodeSnapshot(file)).devices)).toBe(text(devices));
  });

  test("a file in shared memory is read, and the snapshot shares nothing with it", async () => {
    const shared = new Uint8Array(new SharedArrayBuffer(golden.length));
    shared.set(golden);
    const snapshot = await decodeSnapshot(shared);
    shared.fill(0);
    expect(plainSnapshot(snapshot)).toEqual(plainSnapshot(sampleSnapshot));
  });

  test("the header tells what is in a file", async () => {
    const header = await readSnapshotHeader(golden);
    expect(header).toMatchObject({
      comment: "after boot",
      config: sampleConfig,
      emulator: sampleSnapshot.emulator,
      clock: 1234.5,
      randomState: 0xdeadbeef,
    });
    expect(header.sections.map(({ name, rawBytes }) => [name, rawBytes])).toEqual([
      ["devices", 300],
      ["pages", 2 * 4096],
      ["ram", 3 * 8],
      ["disk0", 2 * 8],
      ["disk1", 0],
    ]);
  });

  test("a snapshot that contradicts itself is not written", async () => {
    const bad = [
      { ram: pagesOf(1) },
      { disks: [] },
      { randomState: -1 },
      { clock: virtualMs(-1) },
      { config: { ...sampleConfig, memoryBytes: 5 } },
    ];
    for (const part of bad) {
      await expect(encodeSnapshot({ ...sampleSnapshot, ...part })).rejects.toThrow(SnapshotError);
    }
  });
});

describe("a damaged file", () => {
  test("is refused wherever it is cut off", async () => {
    for (let length = 0; length < golden.length; length++) {
      await refusal(golden.subarray(0, length));
      await expect(readSnapshotHeader(golden.subarray(0, length))).rejects.toThrow(SnapshotError);
    }
  });

  test("is refused whichever bit flips", async () => {
    for (let bit = 0; bit < golden.length * 8; bit++) {
      const file = golden.slice();
      flip(file, bit);
      await refusal(file);
    }
  });

  test("says what is wrong with it", async () => {
    expect(await refusal(Buffer.from("#!/bin/sh"))).toContain("this is not a snapshot file");
    expect(await refusal(golden.subarray(0, golden.length - 1))).toContain(
      `only ${golden.length - 1} of ${golden.length} bytes are there`,
    );
    expect(await refusal(Buffer.concat([golden, Buffer.alloc(3)]))).toContain(
      "3 bytes follow its end",
    );
    const damaged = golden.slice().fill(0xff, golden.length - 1);
    expect(await refusal(damaged)).toMatch(
      /^the snapshot is damaged: the SHA-256 of section disk1 differs\. Copy the file again/,
    );
  });

  test.each([
    [8, "2.0"],
    [10, "1.1"],
  ])("of a newer format is refused as that (byte %d)", async (at, version) => {
    const file = golden.slice();
    file[at] = (file[at] ?? 0) + 1;
    expect(await refusal(file)).toContain(`the snapshot has format ${version}, and this program`);
  });
});

describe("a hostile file with the right checksums", () => {
  test("the forger forges: without a change, the file is taken", async () => {
    expect(text(await forge(() => undefined))).toBe(text(golden));
  });

  test.each<[string, (parts: Part[]) => void, string]>([
    ["a page beyond the end of RAM", put("ram", index(4096, 1)), "RAM of the snapshot is wrong"],
    ["a block beyond the end of a disk", put("disk1", index(4, 1)), "disk 1 of the snapshot is"],
    ["page numbers that descend", put("ram", index(7, 1, 0, 1)), "pages must ascend"],
    ["a page twice", put("ram", index(7, 1, 7, 1)), "pages must ascend"],
    ["a content that is not there", put("ram", index(0, 3)), "page content 3 is listed"],
    ["a content far away", put("ram", index(0, 0xffffffff)), "page content 4294967295"],
    ["half an index entry", put("ram", index(0)), "section ram claims 4 bytes"],
    ["half a page", put("pages", new Uint8Array(2048)), "section pages claims 2048 bytes"],
    ["more pages than are listed", put("pages", new Uint8Array(6 * 4096)), "section pages claims"],
    ["more blocks than a disk has", put("disk1", new Uint8Array(5 * 8)), "section disk1 claims"],
    ["a missing section", (parts) => parts.pop(), "its machine needs devices, pages, ram, disk0"],
    ["sections in another order", (parts) => parts.reverse(), "it has the sections disk1"],
  ])("%s", async (_, change, message) => {
    expect(await refusal(await forge(change))).toContain(message);
  });

  test.each([2 ** 26 + 1, 2 ** 40, Number.MAX_SAFE_INTEGER])(
    "a section that claims %d bytes takes no memory",
    async (rawBytes) => {
      const file = await forge((parts) => {
        for (const part of parts) part.rawBytes = rawBytes;
      });
      expect(await refusal(file)).toContain(`claims ${rawBytes} bytes`);
    },
  );

  test("a machine larger than any is refused", async () => {
    const config = { ...sampleConfig, memoryBytes: 2 ** 40 };
    await expect(forge(() => undefined, { config })).rejects.toThrow("memoryBytes");
  });

  test("a section that inflates to a thousand times what it declares is cut short", async () => {
    const bomb = deflateRawSync(Buffer.alloc(256 * 1024 * 1024));
    const file = await forge(([devices]) => {
      if (devices !== undefined) devices.stored = bomb;
    });
    expect(await refusal(file)).toContain("more than the 300 bytes come out");
  });

  test.each([
    ["nothing at all", new Uint8Array(0), "DEFLATE data are wrong"],
    ["no DEFLATE data", new Uint8Array(20).fill(0xff), "DEFLATE data are wrong"],
    ["half of them", deflateRawSync(golden.subarray(0, 300)).subarray(0, 99), "DEFLATE data are"],
    ["one byte too few", deflateRawSync(Buffer.alloc(299)), "299 bytes come out of the 300"],
    ["one byte too many", deflateRawSync(Buffer.alloc(301)), "more than the 300 bytes come out"],
  ])("300 bytes stored as %s", async (_, stored, message) => {
    const file = await forge(([devices]) => {
      if (devices !== undefined) devices.stored = stored;
    });
    expect(await refusal(file)).toContain(message);
  });

  test("whatever stands in a section, the file is refused or holds a snapshot that fits", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(4),
        fc.array(fc.record({ at: fc.nat(), bit: fc.nat(7) }), { minLength: 1, maxLength: 4 }),
        async (section, flips) => {
          const file = await forge((parts) => {
            const stored = parts[section]?.stored ?? new Uint8Array(0);
            for (const { at, bit } of flips) flip(stored, (at % stored.length) * 8 + bit);
          });
          await decodeSnapshot(file).then(checkWhole, (error: unknown) => {
            expect(error).toBeInstanceOf(SnapshotError);
          });
        },
      ),
      { numRuns: 1500 },
    );
  });
});

function flip(bytes: Uint8Array, bit: number): void {
  const at = Math.floor(bit / 8);
  const byte = bytes[at];
  if (byte !== undefined) bytes[at] = byte ^ (1 << (bit % 8));
}
