/**
 * A kernel as it has to lie in memory to be started by another kernel.
 *
 * References:
 * - [boot] The Linux/x86 Boot Protocol, https://docs.kernel.org/arch/x86/boot.html: the setup header and
 *   "32-bit Boot Protocol"
 * - [zero] Documentation/arch/x86/zero-page.rst of Linux: `struct boot_params`
 * - [kexec_load(2)] segments; the entry is called in protected mode without paging
 */
import { hex } from "./memory.js";

/** A kernel cannot be started from the one that runs. */
export class KexecRefused extends Error {
  override readonly name = "KexecRefused";
}

/** What the setup header of a bzImage says. Addresses and lengths in bytes. */
export interface KernelFile {
  /** The header itself, as it is copied into `boot_params` from {@link SETUP_HEADER} on. */
  readonly header: Uint8Array;
  /** Where in the file the part begins that is loaded. */
  readonly loadedFrom: number;
  readonly preferredAddress: number;
  /** Memory that the kernel needs from there on until it knows what is free. */
  readonly initSize: number;
  /** The highest address that its initial RAM disk may reach. */
  readonly highestInitrd: number;
  readonly longestCommandLine: number;
}

/** Where a kernel and its initial RAM disk are to lie: physical addresses, whole pages. */
export interface KernelPlacement {
  readonly kernel: number;
  readonly initrd: number;
}

/** As much of a kernel's file as {@link readKernelFile} looks at, in bytes. */
export const KERNEL_HEAD_BYTES = 0x300;

/** Size of `struct boot_params`, in bytes. */
export const BOOT_PARAMS_BYTES = 4096;

/** Where the three pages of {@link startPages} have to lie. */
export const START_PAGES = { address: 0x10000, bytes: 3 * 4096 } as const;

const PAGE = 4096;
const BOOT_PARAMS_AT = START_PAGES.address + PAGE;
const COMMAND_LINE_AT = BOOT_PARAMS_AT + PAGE;

// Offsets in the file and in boot_params alike ([boot]).
const SETUP_HEADER = 0x1f1;
const BOOT_FLAG = 0x1fe;
const HEADER_LENGTH = 0x201;
const HEADER_MAGIC = 0x202;
const VERSION = 0x206;
const TYPE_OF_LOADER = 0x210;
const LOAD_FLAGS = 0x211;
const RAMDISK_IMAGE = 0x218;
const RAMDISK_SIZE = 0x21c;
const CMD_LINE_PTR = 0x228;
const INITRD_ADDR_MAX = 0x22c;
const CMDLINE_SIZE = 0x238;
const PREF_ADDRESS = 0x258;
const INIT_SIZE = 0x260;
/** The first version of the protocol that has all of these. */
const LEAST_VERSION = 0x20a;
const LOADED_HIGH = 1;
const UNDEFINED_LOADER = 0xff;

// Offsets in boot_params only ([zero]).
const E820_ENTRIES = 0x1e8;
const SENTINEL = 0x1ef;
const E820_TABLE = 0x2d0;
const E820_ENTRY_BYTES = 20;
const MOST_E820_ENTRIES = 128;
const E820_RAM = 1;

/**
 * Reads the setup header of a kernel.
 *
 * @param head the first {@link KERNEL_HEAD_BYTES} of its file
 * @throws {KexecRefused} if it is no bzImage, or one from before Linux 2.6.31
 */
export function readKernelFile(head: Uint8Array): KernelFile {
  if (head.length < KERNEL_HEAD_BYTES) throw new KexecRefused("the kernel's file is too short");
  const view = new DataView(head.buffer, head.byteOffset, head.length);
  const isKernel =
    view.getUint16(BOOT_FLAG, true) === 0xaa55 &&
    view.getUint32(HEADER_MAGIC, true) === 0x53726448 &&
    view.getUint16(VERSION, true) >= LEAST_VERSION &&
    (view.getUint8(LOAD_FLAGS) & LOADED_HIGH) !== 0;
  if (!isKernel) throw new KexecRefused("the kernel is not a bzImage of today's boot protocol");
  const end = Math.min(HEADER_MAGIC + view.getUint8(HEADER_LENGTH), E820_TABLE);
  return {
    header: head.slice(SETUP_HEADER, end),
    loadedFrom: ((view.getUint8(SETUP_HEADER) || 4) + 1) * 512,
    preferredAddress: Number(view.getBigUint64(PREF_ADDRESS, true)),
    initSize: view.getUint32(INIT_SIZE, true),
    highestInitrd: view.getUint32(INITRD_ADDR_MAX, true),
    longestCommandLine: view.getUint32(CMDLINE_SIZE, true),
  };
}

/**
 * Finds room: the kernel goes where it prefers to be, its initial RAM disk as high as possible.
 *
 * @param running `boot_params` of the kernel that runs, for its map of the memory
 * @throws {KexecRefused} if there is no room
 */
export function placeKernel(
  kernel: KernelFile,
  lengths: { readonly kernel: number; readonly initrd: number },
  running: Uint8Array,
): KernelPlacement {
  const ram = ramRanges(running);
  const holds = (start: number, end: number) =>
    ram.find((range) => range.start <= start && end <= range.end);
  const { preferredAddress, initSize, highestInitrd } = kernel;
  const kernelEnd = preferredAddress + Math.max(initSize, wholePages(lengths.kernel));
  const around = holds(preferredAddress, kernelEnd);
  if (around === undefined || preferredAddress % PAGE !== 0) {
    throw new KexecRefused(`there is no RAM for the kernel at ${hex(preferredAddress)}`);
  }
  if (holds(START_PAGES.address, START_PAGES.address + START_PAGES.bytes) === undefined) {
    throw new KexecRefused(`there is no RAM to start from at ${hex(START_PAGES.address)}`);
  }
  const top = Math.min(around.end, highestInitrd + 1);
  const initrd = Math.floor((top - lengths.initrd) / PAGE) * PAGE;
  if (initrd < kernelEnd) {
    throw new KexecRefused(
      `there is no RAM for an initial RAM disk of ${lengths.initrd} bytes behind the kernel`,
    );
  }
  return { kernel: preferredAddress, initrd };
}

/**
 * The three pages at {@link START_PAGES}: code that does what is left to do before the kernel's 32-bit
 * entry, its `boot_params`, and its command line. What firmware and boot loader had told the kernel that
 * runs (memory, screen, tables of ACPI) is told to the next one, too.
 *
 * @throws {KexecRefused} if the command line is too long
 */
export function startPages(
  kernel: KernelFile,
  { kernel: entry, initrd }: KernelPlacement,
  given: {
    readonly running: Uint8Array;
    readonly initrdBytes: number;
    readonly commandLine: string;
  },
): Uint8Array {
  const commandLine = new TextEncoder().encode(`${given.commandLine}\0`);
  if (commandLine.length > Math.min(PAGE, kernel.longestCommandLine + 1)) {
    throw new KexecRefused(`the command line of ${commandLine.length} bytes is too long`);
  }
  const pages = new Uint8Array(START_PAGES.bytes);
  pages.set(entryCode(entry));
  const parameters = pages.subarray(PAGE, 2 * PAGE);
  parameters.set(given.running.subarray(0, BOOT_PARAMS_BYTES));
  parameters.fill(0, SETUP_HEADER, E820_TABLE);
  parameters.set(kernel.header, SETUP_HEADER);
  const view = new DataView(parameters.buffer, parameters.byteOffset, PAGE);
  view.setUint8(SENTINEL, 0);
  view.setUint8(TYPE_OF_LOADER, UNDEFINED_LOADER);
  view.setUint32(RAMDISK_IMAGE, given.initrdBytes === 0 ? 0 : initrd, true);
  view.setUint32(RAMDISK_SIZE, given.initrdBytes, true);
  view.setUint32(CMD_LINE_PTR, COMMAND_LINE_AT, true);
  pages.set(commandLine, 2 * PAGE);
  return pages;
}

/**
 * Loads flat segments by the selectors that [boot] asks for (code 0x10, data 0x18), sets the registers of
 * its 32-bit entry and goes there. It lies at START_PAGES; interrupts are off already.
 */
function entryCode(entry: number): Uint8Array {
  const at = START_PAGES.address;
  const table = 0x80;
  const code = [
    ...[0x0f, 0x01, 0x15, ...le32(at + table)], // lgdt
    ...[0xea, ...le32(at + 14), 0x10, 0x00], // jmp 0x10:next
    ...[0xb8, ...le32(0x18)], // next: mov eax, 0x18
    ...[0x8e, 0xd8, 0x8e, 0xc0, 0x8e, 0xe0, 0x8e, 0xe8, 0x8e, 0xd0], // mov ds, es, fs, gs, ss
    ...[0xbc, ...le32(at + PAGE)], // mov esp, the end of this page
    ...[0xbe, ...le32(BOOT_PARAMS_AT)], // mov esi, boot_params
    ...[0x31, 0xdb, 0x31, 0xed, 0x31, 0xff], // xor ebx, ebp, edi
    ...[0xb8, ...le32(entry)], // mov eax, entry
    ...[0xff, 0xe0], // jmp eax
  ];
  const page = new Uint8Array(PAGE);
  page.set(code);
  // Limit and address of the table behind it, which begins with two selectors that nobody uses.
  page.set([0x1f, 0, ...le32(at + table + 8)], table);
  page.set([0xff, 0xff, 0, 0, 0, 0x9b, 0xcf, 0], table + 8 + 0x10);
  page.set([0xff, 0xff, 0, 0, 0, 0x93, 0xcf, 0], table + 8 + 0x18);
  return page;
}

function le32(value: number): number[] {
  return [0, 8, 16, 24].map((shift) => (value >>> shift) & 0xff);
}

/** Ranges of usable RAM, by the memory map in `boot_params`. */
function ramRanges(parameters: Uint8Array): { start: number; end: number }[] {
  if (parameters.length < BOOT_PARAMS_BYTES) throw new KexecRefused("boot_params are cut short");
  const view = new DataView(parameters.buffer, parameters.byteOffset, parameters.length);
  const count = Math.min(view.getUint8(E820_ENTRIES), MOST_E820_ENTRIES);
  const ranges: { start: number; end: number }[] = [];
  for (let at = E820_TABLE; at < E820_TABLE + count * E820_ENTRY_BYTES; at += E820_ENTRY_BYTES) {
    if (view.getUint32(at + 16, true) !== E820_RAM) continue;
    const start = Number(view.getBigUint64(at, true));
    ranges.push({ start, end: start + Number(view.getBigUint64(at + 8, true)) });
  }
  return ranges;
}

function wholePages(bytes: number): number {
  return Math.ceil(bytes / PAGE) * PAGE;
}
