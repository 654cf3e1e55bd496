import fc from "fast-check";
import { expect, test } from "vitest";
import { CannotCarry } from "../../src/process/files/file-kind.js";
import { redirectVdso, vdsoFunctions } from "../../src/process/vdso.js";

const CODE_AT = 0x400;
const FUNCTION_BYTES = 0x20;
/** The address that the image is linked to; where it lies in a process is another one. */
const LINKED_TO = 0xffffe000;

/** An image in ELF that has these functions, one behind the other from CODE_AT on. */
function imageOf(names: readonly string[]): Uint8Array {
  const image = new Uint8Array(0x1000).fill(0x90, CODE_AT);
  const view = new DataView(image.buffer);
  const words = (at: number, ...values: readonly number[]): void => {
    for (const [index, value] of values.entries()) view.setUint32(at + 4 * index, value, true);
  };
  const [headers, dynamic, hash, symbols, strings] = [0x34, 0x80, 0xa0, 0xb0, 0x200] as const;
  words(28, headers);
  view.setUint16(44, 2, true);
  words(headers, 1, 0, LINKED_TO); // PT_LOAD
  words(headers + 32, 2, dynamic, LINKED_TO + dynamic); // PT_DYNAMIC
  words(dynamic, 4, LINKED_TO + hash, 5, LINKED_TO + strings, 6, LINKED_TO + symbols, 0, 0);
  words(hash, 1, names.length + 1);
  let free = 1;
  for (const [index, name] of names.entries()) {
    const address = LINKED_TO + CODE_AT + index * FUNCTION_BYTES;
    words(symbols + 16 * (index + 1), free, address, FUNCTION_BYTES);
    image.set(new TextEncoder().encode(name), strings + free);
    free += name.length + 1;
  }
  return image;
}

/** Where the jump at an offset of an image leads that lies at an address; null if there is none. */
function jumpAt(image: Uint8Array, offset: number, imageAt: number): number | null {
  const view = new DataView(image.buffer);
  if (view.getUint8(offset) !== 0xe9) return null;
  return (imageAt + offset + 5 + view.getInt32(offset + 1, true)) >>> 0;
}

test("the functions of an image, each with its offset", () => {
  const image = imageOf(["__vdso_time", "__kernel_vsyscall"]);
  expect([...vdsoFunctions(image)]).toEqual([
    ["__vdso_time", CODE_AT],
    ["__kernel_vsyscall", CODE_AT + FUNCTION_BYTES],
  ]);
});

test("each function jumps to that of the same name, wherever it lies in the new image", () => {
  const old = imageOf(["__vdso_time", "__vdso_clock_gettime", "__vdso_gone"]);
  const fresh = imageOf(["__vdso_clock_gettime", "__vdso_new", "__vdso_time"]);
  const [from, to] = [0xb7f00000, 0x1000000];
  const redirected = redirectVdso(old, from, fresh, to);
  const jump = (index: number) => jumpAt(redirected, CODE_AT + index * FUNCTION_BYTES, from);
  expect(jump(0)).toBe(to + CODE_AT + 2 * FUNCTION_BYTES);
  expect(jump(1)).toBe(to + CODE_AT);
  // What the new kernel has not got stays as it is.
  expect(jump(2)).toBeNull();
});

test("what the kernel itself jumps to when a handler returns is left alone", () => {
  const image = imageOf(["__kernel_sigreturn", "__kernel_rt_sigreturn"]);
  expect(redirectVdso(image, 0xb7f00000, image, 0x1000000)).toEqual(image);
});

test("nothing else than the first five bytes of functions changes", () => {
  const old = imageOf(["__vdso_time", "__vdso_getcpu"]);
  const redirected = redirectVdso(old, 0xb7f00000, old, 0x1000000);
  const changed = [...redirected.keys()].filter((at) => redirected[at] !== old[at]);
  for (const at of changed) expect((at - CODE_AT) % FUNCTION_BYTES).toBeLessThan(5);
  expect(changed).not.toEqual([]);
});

test("an image that a guest has made up is refused or redirected, and that ends", () => {
  const image = imageOf(["__vdso_time"]);
  const places = fc.array(fc.tuple(fc.nat({ max: 0x2ff }), fc.nat({ max: 255 })), { minLength: 1 });
  fc.assert(
    fc.property(places, (changes) => {
      const strange = image.slice();
      for (const [at, byte] of changes) strange[at] = byte;
      try {
        redirectVdso(strange, 0xb7f00000, image, 0x1000000);
      } catch (error) {
        expect(error).toBeInstanceOf(CannotCarry);
      }
    }),
  );
});
