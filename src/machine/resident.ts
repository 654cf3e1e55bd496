import type { VirtualMs } from "../clock/virtual-time.js";

/** I/O port that calls the machine's resident when a guest writes 32 bits to it. No PC has a device there. */
export const TRAP_PORT = 0x5e0;

/** What a resident sees of the guest that it lives beside. All of it is immediate, and good only within one call. */
export interface GuestAccess {
  now(): VirtualMs;
  /** General registers, live: eax, ecx, edx, ebx, esp, ebp, esi, edi. */
  registers(): Int32Array;
  /** Where the page tables of the task that runs are: physical address of their root, and whether entries are of 8 bytes. */
  pageTables(): { readonly root: number; readonly extended: boolean };
  /** Guest RAM. */
  ram(): Uint8Array;
  /** Stores bytes in RAM, at a physical address that may hold code. */
  write(bytes: Uint8Array, address: number): void;
}

/**
 * Code of ours that lives in a machine's thread and answers the guest at once, between two of its
 * instructions. A machine has at most one.
 */
export interface Resident {
  /** The guest has written to the trap port. */
  trap(): void;
  /** A request from outside the machine, made while the guest stands still. */
  request(request: unknown): unknown;
  /** The machine goes on from another state, or its guest has reset. */
  forget(): void;
}

/** Makes the resident of a machine that is being switched on. */
export type MakeResident = (access: GuestAccess) => Resident;
