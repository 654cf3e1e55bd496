import { describe, expect, test } from "vitest";
import { MachineError } from "../../src/machine/errors.js";
import { checkLinuxImage, type LinuxImage, placeLinux } from "../../src/machine/linux-boot.js";

const MIB = 2 ** 20;

/** As little of a bzImage as a boot loader looks at: two sectors of setup code, then the kernel. */
function smallestKernel(): Uint8Array {
  const kernel = new Uint8Array(8192).fill(0xee, 1536);
  const header = new DataView(kernel.buffer);
  header.setUint8(0x1f1, 2);
  header.setUint16(0x1fe, 0xaa55, true);
  header.setUint32(0x202, 0x53726448, true);
  header.setUint8(0x211, 0x01);
  return kernel;
}

const image: LinuxImage = {
  kernel: smallestKernel(),
  initrd: new Uint8Array(5 * MIB).fill(0x1d),
  commandLine: "console=ttyS0",
};

describe("a kernel is checked before a machine is started with it", () => {
  test("a kernel and an initrd that fit are taken", () => {
    checkLinuxImage(image, 69 * MIB);
  });

  test("an initrd that does not fit says how much memory it takes", () => {
    const tooSmall = () => {
      checkLinuxImage(image, 68 * MIB);
    };
    expect(tooSmall).toThrow(MachineError);
    expect(tooSmall).toThrow(/more than 69 MiB of memory; it has 68 MiB/);
  });

  test("what is no bzImage is refused", () => {
    const broken = (offset: number) => {
      const kernel = smallestKernel();
      kernel.fill(0, offset, offset + 1);
      return kernel;
    };
    const kernels = [
      new Uint8Array(),
      new Uint8Array(100),
      new Uint8Array(8192),
      broken(0x1fe), // boot sector
      broken(0x202), // header
      broken(0x211), // not loaded high
      Buffer.concat([smallestKernel(), new Uint8Array(63 * MIB)]), // would reach into the initrd
    ];
    for (const kernel of kernels) {
      expect(() => {
        checkLinuxImage({ ...image, kernel }, 128 * MIB);
      }).toThrow(/not a bzImage/);
    }
  });
});

test("kernel, command line and initrd lie where the boot protocol has them", () => {
  const ram = new Uint8Array(70 * MIB);
  const before = image.kernel.slice();
  placeLinux(image, (bytes, address) => {
    ram.set(bytes, address);
  });
  expect(image.kernel).toEqual(before);

  const setup = new DataView(ram.buffer, 0x80000);
  expect(setup.getUint8(0x210)).toBe(0xff); // a boot loader without a number
  expect(setup.getUint8(0x211) & 0x81).toBe(0x81); // loaded high, with a heap
  expect(setup.getUint32(0x218, true)).toBe(0x4000000);
  expect(setup.getUint32(0x21c, true)).toBe(image.initrd.length);
  const commandLine = setup.getUint32(0x228, true);
  expect(Buffer.from(ram.subarray(commandLine, commandLine + 14)).toString()).toBe(
    "console=ttyS0\0",
  );
  expect([...ram.subarray(0x100000 - 1, 0x100000 + 2)]).toEqual([0, 0xee, 0xee]);
  expect([...ram.subarray(0x4000000 - 1, 0x4000000 + 1)]).toEqual([0, 0x1d]);
  expect(ram[0x4000000 + image.initrd.length - 1]).toBe(0x1d);
});
