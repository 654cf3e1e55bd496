import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  BOOT_PARAMS_BYTES,
  KERNEL_HEAD_BYTES,
  KexecRefused,
  placeKernel,
  readKernelFile,
  START_PAGES,
  startPages,
} from "../../src/guest/kexec-image.js";

const MB = 2 ** 20;

/** The head of a kernel as Debian's are: 16 MiB is where it wants to be. */
function kernelHead({ preferred = 16 * MB, initSize = 20 * MB, version = 0x20f } = {}): Uint8Array {
  const head = new Uint8Array(KERNEL_HEAD_BYTES);
  const view = new DataView(head.buffer);
  view.setUint8(0x1f1, 27);
  view.setUint16(0x1fe, 0xaa55, true);
  view.setUint8(0x201, 0x6a);
  view.setUint32(0x202, 0x53726448, true);
  view.setUint16(0x206, version, true);
  view.setUint8(0x211, 1);
  view.setUint32(0x22c, 0x37ffffff, true);
  view.setUint32(0x238, 2047, true);
  view.setBigUint64(0x258, BigInt(preferred), true);
  view.setUint32(0x260, initSize, true);
  return head;
}

/** What the kernel that runs was told: RAM as SeaBIOS lists it. */
function bootParams(ranges: readonly (readonly [number, number, number])[]): Uint8Array {
  const parameters = new Uint8Array(BOOT_PARAMS_BYTES);
  const view = new DataView(parameters.buffer);
  view.setUint8(0x06, 0x03); // the video mode
  view.setUint8(0x1e8, ranges.length);
  view.setUint32(0x228, 0xdead, true); // the command line of the kernel that runs
  for (const [index, [start, end, type]] of ranges.entries()) {
    view.setBigUint64(0x2d0 + 20 * index, BigInt(start), true);
    view.setBigUint64(0x2d8 + 20 * index, BigInt(end - start), true);
    view.setUint32(0x2e0 + 20 * index, type, true);
  }
  return parameters;
}

const RUNNING = bootParams([
  [0, 0x9fc00, 1],
  [0x9fc00, 0xa0000, 2],
  [MB, 128 * MB - 0x2000, 1],
  [128 * MB - 0x2000, 128 * MB, 2],
]);
const LENGTHS = { kernel: 7 * MB, initrd: 1_800_001 };

describe("a kernel that another one starts", () => {
  test("lies where it prefers, and its RAM disk at the end of RAM", () => {
    const placed = placeKernel(readKernelFile(kernelHead()), LENGTHS, RUNNING);
    expect(placed.kernel).toBe(16 * MB);
    expect(placed.initrd % 4096).toBe(0);
    const end = placed.initrd + LENGTHS.initrd;
    expect(end).toBeLessThanOrEqual(128 * MB - 0x2000);
    expect(end).toBeGreaterThan(128 * MB - 0x2000 - 4096);
  });

  test("is told what the firmware told the one before, and what is its own", () => {
    const kernel = readKernelFile(kernelHead());
    const placed = placeKernel(kernel, LENGTHS, RUNNING);
    const pages = startPages(kernel, placed, {
      running: RUNNING,
      initrdBytes: LENGTHS.initrd,
      commandLine: "BOOT_IMAGE=/boot/vmlinuz quiet",
    });
    expect(pages).toHaveLength(START_PAGES.bytes);
    const parameters = new DataView(pages.buffer, 4096, 4096);
    expect(parameters.getUint8(0x06)).toBe(3);
    expect(parameters.getUint8(0x1e8)).toBe(4);
    expect(pages.slice(4096 + 0x2d0, 8192)).toEqual(RUNNING.slice(0x2d0));
    expect(parameters.getUint32(0x202, true)).toBe(0x53726448);
    expect(parameters.getUint8(0x210)).toBe(0xff);
    expect(parameters.getUint32(0x218, true)).toBe(placed.initrd);
    expect(parameters.getUint32(0x21c, true)).toBe(LENGTHS.initrd);
    const commandLine = parameters.getUint32(0x228, true) - START_PAGES.address;
    const text = new TextDecoder().decode(pages.subarray(commandLine));
    expect(text.slice(0, text.indexOf("\0"))).toBe("BOOT_IMAGE=/boot/vmlinuz quiet");
  });

  test("is entered by code that names its entry and its parameters", () => {
    const kernel = readKernelFile(kernelHead());
    const pages = startPages(kernel, placeKernel(kernel, LENGTHS, RUNNING), {
      running: RUNNING,
      initrdBytes: 0,
      commandLine: "",
    });
    const code = Array.from(pages.subarray(0, 64), (byte) => byte.toString(16).padStart(2, "0"));
    expect(code.join(" ")).toMatch(/^0f 01 15 80 00 01 00 ea 0e 00 01 00 10 00 b8 18 00 00 00 /);
    expect(code.join(" ")).toContain("be 00 10 01 00"); // esi: boot_params
    expect(code.join(" ")).toContain("b8 00 00 00 01 ff e0"); // to the entry at 16 MiB
    expect(new DataView(pages.buffer, 4096).getUint32(0x218, true)).toBe(0);
  });

  test("is refused where there is no room for it, or it is none", () => {
    const kernel = readKernelFile(kernelHead());
    const small = bootParams([
      [0, 0x9fc00, 1],
      [MB, 32 * MB, 1],
    ]);
    expect(() => placeKernel(kernel, LENGTHS, small)).toThrow(/no RAM for the kernel at 0x1000000/);
    expect(() => placeKernel(kernel, { ...LENGTHS, initrd: 100 * MB }, RUNNING)).toThrow(
      /no RAM for an initial RAM disk/,
    );
    expect(() => placeKernel(kernel, LENGTHS, bootParams([[MB, 128 * MB, 1]]))).toThrow(
      /no RAM to start from/,
    );
    expect(() => readKernelFile(kernelHead({ version: 0x209 }))).toThrow(KexecRefused);
    expect(() => readKernelFile(new Uint8Array(100))).toThrow(/too short/);
    const given = { running: RUNNING, initrdBytes: 0, commandLine: "x".repeat(2048) };
    expect(() => startPages(kernel, { kernel: 16 * MB, initrd: 0 }, given)).toThrow(/too long/);
  });

  test("whatever its header says, it lies in RAM beside its RAM disk, or is refused", () => {
    const head = fc.record({
      preferred: fc.nat({ max: 2 ** 31 }),
      initSize: fc.nat({ max: 2 ** 31 }),
    });
    const lengths = fc.record({
      kernel: fc.nat({ max: 200 * MB }),
      initrd: fc.nat({ max: 200 * MB }),
    });
    fc.assert(
      fc.property(head, lengths, (said, length) => {
        try {
          const placed = placeKernel(readKernelFile(kernelHead(said)), length, RUNNING);
          const end = placed.kernel + Math.max(said.initSize, length.kernel);
          expect(placed.kernel).toBeGreaterThanOrEqual(MB);
          expect(placed.initrd).toBeGreaterThanOrEqual(end);
          expect(placed.initrd + length.initrd).toBeLessThanOrEqual(128 * MB - 0x2000);
        } catch (error) {
          if (!(error instanceof KexecRefused)) throw error;
        }
      }),
    );
  });
});
