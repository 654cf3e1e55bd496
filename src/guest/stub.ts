/**
 * The stub: a program of a few bytes that lets somebody outside of the machine decide which system
 * calls it makes.
 *
 * References:
 * - [elf] System V Application Binary Interface, Intel386 supplement: ELF header, program header
 * - [iopl(2)] a task at I/O privilege level 3 may use I/O ports
 * - [syscall(2)] i386: `int 0x80`, number in eax, arguments in ebx, ecx, edx, esi, edi, ebp
 */
import { TRAP_PORT } from "../machine/resident.js";

/**
 * Where the stub and all that it uses lie: below the lowest address that programs are linked to, so
 * that a stub which turns into another process has nothing in its way.
 */
export const STUB_AREA = { start: 0x10000, end: 0x3e0000 } as const;

/** Where the kernel's own code for processes is parked: behind the stub, and below the lowest program. */
export const PARKING_AREA = { start: STUB_AREA.end, end: 0x400000 } as const;

/** Where the stub's file lies in a guest that it was brought into; the stub removes it. */
export const BROUGHT_STUB = "/dev/shm/stub";

/** What the stub passes at its first trap, in ebp: no task that it starts later has this number. */
export const ROOT_TOKEN = 0;

const LOADED_AT = STUB_AREA.start;
const HEADERS = 0x34 + 0x20;

/**
 * The loop in which a stub lives: it traps, makes the system call that is then in its registers, and
 * goes to where esp points, which is where this loop lies. It needs no memory, and knows no address.
 */
export const STUB_LOOP = Uint8Array.of(
  ...[0x66, 0xba, TRAP_PORT & 0xff, TRAP_PORT >> 8], // mov dx, TRAP_PORT
  0xef, // out dx, eax: the registers are others after this
  ...[0xcd, 0x80], // int 0x80
  ...[0xff, 0xe4], // jmp esp
);

/** Instructions before the loop: the right to use the port, and the loop's address. */
const PROLOGUE_BYTES = 17;

/** Where the loop lies in a stub that has just been started; `driveRoot` moves it away from there. */
export const FIRST_LOOP = LOADED_AT + HEADERS + PROLOGUE_BYTES;

/** The stub as an executable file. It must be started by a task with CAP_SYS_RAWIO. */
export function stubProgram(): Uint8Array {
  const file = new Uint8Array(HEADERS + PROLOGUE_BYTES + STUB_LOOP.length);
  const view = new DataView(file.buffer);
  file.set([0x7f, 0x45, 0x4c, 0x46, 1, 1, 1]);
  const header16: readonly (readonly [number, number])[] = [
    [16, 2], // ET_EXEC
    [18, 3], // EM_386
    [40, 0x34], // size of this header
    [42, 0x20], // size of a program header
    [44, 1], // number of program headers
  ];
  for (const [offset, value] of header16) view.setUint16(offset, value, true);
  view.setUint32(20, 1, true);
  view.setUint32(24, LOADED_AT + HEADERS, true); // entry
  view.setUint32(28, 0x34, true); // the program header follows
  const loadAll = [1, 0, LOADED_AT, LOADED_AT, file.length, file.length, 5, 0x1000];
  for (const [index, value] of loadAll.entries()) view.setUint32(0x34 + 4 * index, value, true);

  file.set([0xb8, 110, 0, 0, 0, 0xbb, 3, 0, 0, 0, 0xcd, 0x80], HEADERS); // iopl(3)
  file[HEADERS + 12] = 0xbc; // mov esp, the loop
  view.setUint32(HEADERS + 13, FIRST_LOOP, true);
  file.set(STUB_LOOP, HEADERS + PROLOGUE_BYTES);
  return file;
}
