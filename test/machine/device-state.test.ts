import fc from "fast-check";
import { expect, test } from "vitest";
import { type Forgotten, packDevices, unpackDevices } from "../../src/machine/device-state.js";
import { MachineError } from "../../src/machine/errors.js";

const forgotten: Forgotten = {
  lastResult: -7,
  mxcsr: 0x1f80,
  fpuStatusWord: 0x3800,
  input: [[104, 105], []],
};
const emulator = Uint8Array.of(0x86, 0x76, 0x86, 0x86);
const packed = packDevices(forgotten, emulator);

test("what is packed comes out again, wherever it lies in a buffer", () => {
  const shifted = new Uint8Array(packed.length + 3);
  shifted.set(packed, 3);
  for (const bytes of [packed, shifted.subarray(3)]) {
    const unpacked = unpackDevices(bytes);
    expect(unpacked.forgotten).toEqual(forgotten);
    expect([...unpacked.emulator]).toEqual([...emulator]);
  }
});

test("the layout is that of snapshots already stored", () => {
  expect(Buffer.from(packed).toString("latin1")).toBe(
    'K\0\0\0{"lastResult":-7,"mxcsr":8064,"fpuStatusWord":14336,"input":[[104,105],[]]}' +
      "\x86\x76\x86\x86",
  );
});

test("damage is one clear error, or does no harm", () => {
  const damage = fc.array(fc.record({ at: fc.nat(packed.length - 1), byte: fc.nat(255) }));
  fc.assert(
    fc.property(damage, fc.nat(packed.length), (changes, length) => {
      const bytes = packed.slice(0, length);
      for (const { at, byte } of changes) bytes.fill(byte, at, at + 1);
      try {
        const { mxcsr, input } = unpackDevices(bytes).forgotten;
        expect(mxcsr).toBe(mxcsr | 0);
        expect(input.flat().every((each) => each >= 0 && each <= 255)).toBe(true);
      } catch (error) {
        expect(error).toBeInstanceOf(MachineError);
      }
    }),
  );
});
