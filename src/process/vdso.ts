/**
 * The vDSO: code of the kernel in each process. Another kernel has another one, at another place.
 *
 * References:
 * - [vdso(7)]; [elf(5)]: dynamic section, symbol table, hash table
 * - [criu] https://criu.org/Vdso: the same way of keeping the old one and sending its callers on
 */
import { CannotCarry } from "./files/file-kind.js";

const PT_LOAD = 1;
const PT_DYNAMIC = 2;
const DT_HASH = 4;
const DT_STRTAB = 5;
const DT_SYMTAB = 6;
const PROGRAM_HEADER_BYTES = 32;
const SYMBOL_BYTES = 16;
const JUMP_BYTES = 5;

/** The kernel jumps to these by itself, to where its own vDSO lies; programs find them by the frames that it builds. */
const TRAMPOLINES = ["__kernel_sigreturn", "__kernel_rt_sigreturn"];

/** Functions of a vDSO image: offset of each, in bytes. */
export function vdsoFunctions(image: Uint8Array): ReadonlyMap<string, number> {
  try {
    return readSymbols(new DataView(image.buffer, image.byteOffset, image.length), image);
  } catch (cause) {
    throw new CannotCarry("the vDSO is not a file in ELF", { cause });
  }
}

function readSymbols(view: DataView, image: Uint8Array): ReadonlyMap<string, number> {
  const headers = view.getUint32(28, true);
  const count = view.getUint16(44, true);
  let base = 0;
  let dynamic = 0;
  for (let index = 0; index < count; index++) {
    const at = headers + index * PROGRAM_HEADER_BYTES;
    const type = view.getUint32(at, true);
    if (type === PT_LOAD) base = view.getUint32(at + 8, true);
    if (type === PT_DYNAMIC) dynamic = view.getUint32(at + 4, true);
  }
  const tables = new Map<number, number>();
  for (let at = dynamic; view.getUint32(at, true) !== 0; at += 8) {
    tables.set(view.getUint32(at, true), view.getUint32(at + 4, true) - base);
  }
  const [hash = 0, strings = 0, symbols = 0] = [DT_HASH, DT_STRTAB, DT_SYMTAB].map((tag) =>
    tables.get(tag),
  );
  // The second word of the hash table is the number of symbols.
  const symbolCount = view.getUint32(hash + 4, true);
  const functions = new Map<string, number>();
  for (let index = 1; index < symbolCount; index++) {
    const at = symbols + index * SYMBOL_BYTES;
    const nameAt = strings + view.getUint32(at, true);
    const name = new TextDecoder().decode(image.subarray(nameAt, image.indexOf(0, nameAt)));
    const value = view.getUint32(at + 4, true);
    if (name !== "" && value !== 0) functions.set(name, value - base);
  }
  return functions;
}

/**
 * An old image of which every function jumps to that of the same name in a new image.
 *
 * @param from address of the old image
 * @param to address of the new one
 */
export function redirectVdso(
  old: Uint8Array,
  from: number,
  fresh: Uint8Array,
  to: number,
): Uint8Array {
  const targets = vdsoFunctions(fresh);
  const redirected = old.slice();
  const view = new DataView(redirected.buffer);
  for (const [name, offset] of vdsoFunctions(old)) {
    const target = targets.get(name);
    if (target === undefined || TRAMPOLINES.includes(name) || !name.startsWith("__")) continue;
    if (offset < 0 || offset + JUMP_BYTES > old.length) {
      throw new CannotCarry(`the vDSO has its function ${name} outside of itself`);
    }
    // jmp: relative to the instruction behind it.
    view.setUint8(offset, 0xe9);
    view.setInt32(offset + 1, to + target - (from + offset + JUMP_BYTES), true);
  }
  return redirected;
}
