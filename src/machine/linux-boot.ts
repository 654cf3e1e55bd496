/**
 * Puts a Linux kernel into RAM, as a boot loader does.
 *
 * References:
 * - [boot] The Linux/x86 Boot Protocol, https://docs.kernel.org/arch/x86/boot.html
 *
 * v86 does this itself when a machine is switched on, but not when the guest resets; its option ROM,
 * which stays, jumps to the addresses below.
 */
import { MachineError } from "./errors.js";

/** A kernel to be started without a disk. */
export interface LinuxImage {
  /** A bzImage. */
  readonly kernel: Uint8Array;
  readonly initrd: Uint8Array;
  readonly commandLine: string;
}

const REAL_MODE_BASE = 0x80000;
const HEAP_END = 0xe000;
const KERNEL_BASE = 0x100000;
/** Where v86 puts the initrd. */
const INITRD_BASE = 0x4000000;

const SETUP_SECTS = 0x1f1;
const VID_MODE = 0x1fa;
const BOOT_FLAG = 0x1fe;
const HEADER_MAGIC = 0x202;
const TYPE_OF_LOADER = 0x210;
const LOAD_FLAGS = 0x211;
const RAMDISK_IMAGE = 0x218;
const RAMDISK_SIZE = 0x21c;
const HEAP_END_PTR = 0x224;
const CMD_LINE_PTR = 0x228;
const LOADED_HIGH = 0x01;
const KEEP_SEGMENTS = 0x40;
const QUIET = 0x20;
const CAN_USE_HEAP = 0x80;

/**
 * Checks that a kernel and its initrd can be started in a machine.
 *
 * @throws {MachineError} if the kernel is no bzImage, or they do not fit into `memoryBytes`
 */
export function checkLinuxImage(image: LinuxImage, memoryBytes: number): void {
  const { kernel, initrd } = image;
  const header = new DataView(kernel.buffer, kernel.byteOffset, kernel.byteLength);
  const isKernel =
    kernel.length > 0x1000 &&
    kernel.length <= INITRD_BASE - KERNEL_BASE &&
    header.getUint16(BOOT_FLAG, true) === 0xaa55 &&
    header.getUint32(HEADER_MAGIC, true) === 0x53726448 &&
    (header.getUint8(LOAD_FLAGS) & LOADED_HIGH) !== 0;
  if (!isKernel) {
    throw new MachineError("The kernel is not a bzImage: give the file that Debian calls vmlinuz.");
  }
  const needed = INITRD_BASE + initrd.length;
  if (needed > memoryBytes) {
    throw new MachineError(
      `The initrd lies at 64 MiB and has ${initrd.length} bytes, so the machine needs more than ` +
        `${Math.ceil(needed / 2 ** 20)} MiB of memory; it has ${memoryBytes / 2 ** 20} MiB.`,
    );
  }
}

/**
 * Writes kernel, command line and initrd to where the boot ROM expects them ([boot], "Loading the rest
 * of the kernel" and "The real-mode kernel header").
 *
 * @param write stores bytes at a physical address
 */
export function placeLinux(
  image: LinuxImage,
  write: (bytes: Uint8Array, address: number) => void,
): void {
  const kernel = image.kernel.slice();
  const header = new DataView(kernel.buffer);
  const setupBytes = ((header.getUint8(SETUP_SECTS) || 4) + 1) * 512;

  header.setUint8(TYPE_OF_LOADER, 0xff);
  header.setUint8(
    LOAD_FLAGS,
    (header.getUint8(LOAD_FLAGS) & ~(KEEP_SEGMENTS | QUIET)) | CAN_USE_HEAP,
  );
  header.setUint16(HEAP_END_PTR, HEAP_END - 0x200, true);
  header.setUint16(VID_MODE, 0xffff, true);
  header.setUint32(CMD_LINE_PTR, REAL_MODE_BASE + HEAP_END, true);
  header.setUint32(RAMDISK_IMAGE, INITRD_BASE, true);
  header.setUint32(RAMDISK_SIZE, image.initrd.length, true);

  write(new TextEncoder().encode(`${image.commandLine}\0`), REAL_MODE_BASE + HEAP_END);
  write(kernel.subarray(0, setupBytes), REAL_MODE_BASE);
  write(kernel.subarray(setupBytes), KERNEL_BASE);
  write(image.initrd, INITRD_BASE);
}
