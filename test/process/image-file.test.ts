import { readFileSync, writeFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeImage, encodeImage, ImageFileError } from "../../src/process/image-file.js";
import { deflate, inflate } from "../../src/storage/compression.js";
import { SAMPLE_IMAGE } from "./sample-image.js";

const GOLDEN = new URL("image-1.bin", import.meta.url);

/** Where the checksum lies, and where the sections begin. */
const CHECKSUM = { start: 16, end: 48 };

/** Sets the checksum of a file that was changed on purpose. */
async function sealed(file: Uint8Array): Promise<Uint8Array> {
  const rest = new Uint8Array(file.length - 32);
  rest.set(file.subarray(0, CHECKSUM.start));
  rest.set(file.subarray(CHECKSUM.end), CHECKSUM.start);
  file.set(new Uint8Array(await crypto.subtle.digest("SHA-256", rest)), CHECKSUM.start);
  return file;
}

test("an image comes back from its file as it was", async () => {
  expect(await decodeImage(await encodeImage(SAMPLE_IMAGE))).toEqual(SAMPLE_IMAGE);
});

test("a file of version 1 is read and written as ever", async () => {
  if (process.env.UPDATE_GOLDEN) writeFileSync(GOLDEN, await encodeImage(SAMPLE_IMAGE));
  const golden = new Uint8Array(readFileSync(GOLDEN));
  expect(await decodeImage(golden)).toEqual(SAMPLE_IMAGE);
  expect(await encodeImage(SAMPLE_IMAGE)).toEqual(golden);
});

test("the order of an object's fields does not matter to the file", async () => {
  const turned = Object.fromEntries(Object.entries(SAMPLE_IMAGE).reverse());
  // The same fields in another order are the same image.
  expect(await encodeImage(turned as typeof SAMPLE_IMAGE)).toEqual(await encodeImage(SAMPLE_IMAGE));
});

test("an image that is not as it is defined is not written", async () => {
  await expect(encodeImage({ ...SAMPLE_IMAGE, processes: [] })).rejects.toThrow(/not valid/);
});

test("a file of another version is refused with its number", async () => {
  const file = await encodeImage(SAMPLE_IMAGE);
  file[8] = 2;
  await expect(decodeImage(file)).rejects.toThrow(/has format 2, and this program reads 1/);
});

test("whatever byte is flipped, cut off or added, it is one clear error", async () => {
  const file = await encodeImage(SAMPLE_IMAGE);
  const place = fc.nat(file.length - 1);
  await fc.assert(
    fc.asyncProperty(place, fc.integer({ min: 1, max: 255 }), async (at, flip) => {
      const broken = file.slice();
      broken[at] = (broken[at] ?? 0) ^ flip;
      await expect(decodeImage(broken)).rejects.toThrow(ImageFileError);
      await expect(decodeImage(file.subarray(0, at))).rejects.toThrow(ImageFileError);
      await expect(decodeImage(Uint8Array.of(...file, flip))).rejects.toThrow(ImageFileError);
    }),
    { seed: 1, numRuns: 200 },
  );
});

test("what somebody has made up, with a right checksum, is one clear error", async () => {
  const file = await encodeImage(SAMPLE_IMAGE);
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.integer({ min: 48, max: file.length - 1 }), fc.nat(255)), {
        minLength: 1,
        maxLength: 8,
      }),
      async (changes) => {
        const made = file.slice();
        for (const [at, value] of changes) made[at] = value;
        const decoded = await decodeImage(await sealed(made)).catch((error: unknown) => error);
        // A change may hit a byte of the contents, which can be anything.
        if (decoded instanceof Error) expect(decoded).toBeInstanceOf(ImageFileError);
      },
    ),
    { seed: 1, numRuns: 200 },
  );
});

test("a file that names the same bytes again and again is damaged: it would claim any amount of memory", async () => {
  const file = await encodeImage(SAMPLE_IMAGE);
  const lengths = new DataView(file.buffer);
  const storedBytes = lengths.getUint32(52, true);
  const compressed = Uint8Array.from(file.subarray(64, 64 + storedBytes));
  const structure = await inflate(compressed, lengths.getUint32(48, true));
  const contentBytes = lengths.getUint32(56, true);
  const greedy = new TextDecoder()
    .decode(structure)
    .replaceAll(/\{"\$bytes":\[\d+,\d+\]\}/g, `{"$bytes":[0,${contentBytes}]}`);
  const raw = new TextEncoder().encode(greedy);
  const stored = deflate(raw);
  const made = new Uint8Array(64 + stored.length + file.length - 64 - storedBytes);
  made.set(file.subarray(0, 64));
  made.set(stored, 64);
  made.set(file.subarray(64 + storedBytes), 64 + stored.length);
  new DataView(made.buffer).setUint32(48, raw.length, true);
  new DataView(made.buffer).setUint32(52, stored.length, true);
  await expect(decodeImage(await sealed(made))).rejects.toThrow(
    /is damaged: its structure has more bytes than its contents/,
  );
});
