/**
 * A seeded source of randomness, small enough to be part of a snapshot.
 *
 * The generator is splitmix32: a Weyl sequence through the 32-bit finaliser of MurmurHash3
 * (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014, and
 * https://github.com/aappleby/smhasher/wiki/MurmurHash3). It is not fit for keys.
 */
export interface Random {
  /** The next signed 32-bit number. */
  nextInt(): number;
  /** The whole state, an unsigned 32-bit number; set it to continue from there. */
  state: number;
}

/** Makes a source that starts from `seed`, an unsigned 32-bit number. */
export function createRandom(seed: number): Random {
  const random: Random = {
    state: seed >>> 0,
    nextInt() {
      random.state = (random.state + 0x9e3779b9) >>> 0;
      let mixed = random.state;
      mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
      mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
      return mixed ^ (mixed >>> 16);
    },
  };
  return random;
}
