import fc from "fast-check";
import { expect, test } from "vitest";
import { createRandom } from "../../src/clock/random.js";

/** What the generator adds to its state at each step: 2^32 divided by the golden ratio. */
const WEYL_STEP = 0x9e3779b9;

test("the numbers are those of MurmurHash3's finaliser", () => {
  // The finaliser of n is MurmurHash3 (x86, 32 bits) of no bytes with seed n: published test vectors.
  const vectors = [
    [0, 0x00000000],
    [1, 0x514e28b7],
    [0xffffffff, 0x81f16f39],
  ] as const;
  for (const [mixed, hash] of vectors) {
    expect(createRandom(mixed - WEYL_STEP).nextInt() >>> 0).toBe(hash);
  }
});

test("the same seed gives the same numbers, on every host and in every version", () => {
  const random = createRandom(1);
  expect([random.nextInt(), random.nextInt(), random.nextInt()]).toEqual([
    -1767835285, 314344336, -1759602332,
  ]);
});

test("a source goes on from a stored state as if it had never stopped", () => {
  fc.assert(
    fc.property(fc.nat(0xffffffff), fc.nat(100), (seed, drawn) => {
      const random = createRandom(seed);
      for (let i = 0; i < drawn; i++) random.nextInt();
      const other = createRandom(0);
      other.state = random.state;
      for (let i = 0; i < 10; i++) expect(other.nextInt()).toBe(random.nextInt());
    }),
  );
});

test("numbers are signed and 32 bits wide, and the state is not", () => {
  fc.assert(
    fc.property(fc.nat(0xffffffff), (seed) => {
      const random = createRandom(seed);
      const number = random.nextInt();
      expect(number).toBe(number | 0);
      expect(random.state).toBe(random.state >>> 0);
    }),
  );
});
