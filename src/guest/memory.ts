import type { GuestAccess } from "../machine/resident.js";
import { findPage, PAGE_BYTES, type PageTables } from "./page-tables.js";

/** Something was to be read from, or written to, an address of a task where there is no memory. */
export class NoMemory extends Error {
  override readonly name = "NoMemory";
}

/** The memory of one task, as its page tables are at each call. It reaches only pages that are in RAM. */
export interface TaskMemory {
  /**
   * A copy of what lies at an address.
   *
   * @throws {NoMemory} if a page of it is not in RAM
   */
  read(address: number, length: number): Uint8Array;
  /**
   * @throws {NoMemory} if a page of it is not in RAM, or is shared with another task until one writes to it
   */
  write(address: number, bytes: Uint8Array): void;
}

/** Reaches the memory of the task that has these page tables. */
export function taskMemory(access: GuestAccess, tables: PageTables): TaskMemory {
  function* pieces(address: number, length: number, toWrite: boolean) {
    const ram = access.ram();
    const view = new DataView(ram.buffer, ram.byteOffset, ram.length);
    for (let done = 0; done < length;) {
      const at = address + done;
      const inPage = at % PAGE_BYTES;
      const page = findPage(view, tables, at);
      if (page === null || (toWrite && !page.writable)) {
        throw new NoMemory(`there is no memory to ${toWrite ? "write" : "read"} at ${hex(at)}`);
      }
      const bytes = Math.min(length - done, PAGE_BYTES - inPage);
      yield { offset: done, physical: page.address + inPage, bytes };
      done += bytes;
    }
  }
  return {
    read(address, length) {
      const result = new Uint8Array(length);
      const ram = access.ram();
      for (const { offset, physical, bytes } of pieces(address, length, false)) {
        result.set(ram.subarray(physical, physical + bytes), offset);
      }
      return result;
    },
    write(address, bytes) {
      for (const piece of pieces(address, bytes.length, true)) {
        access.write(bytes.subarray(piece.offset, piece.offset + piece.bytes), piece.physical);
      }
    },
  };
}

/** A number as addresses are written. */
export function hex(value: number): string {
  return `0x${(value >>> 0).toString(16)}`;
}
