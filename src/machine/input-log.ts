import type { VirtualMs } from "../clock/virtual-time.js";
import type { SparsePages } from "../storage/pages.js";
import type { DiskService } from "./disk-queue.js";

/**
 * Something that reached a machine from outside, at the moment of its clock when it did. Together with
 * what the machine started from, the list of them decides every bit that it computes.
 */
export type MachineInput =
  | {
      readonly kind: "serial";
      readonly atMs: VirtualMs;
      readonly line: number;
      readonly bytes: Uint8Array;
    }
  | { readonly kind: "reset"; readonly atMs: VirtualMs }
  | {
      readonly kind: "serve-disk";
      readonly atMs: VirtualMs;
      readonly service: DiskService | null;
    }
  /** The host kept the machine from running. */
  | { readonly kind: "stall"; readonly atMs: VirtualMs; readonly untilMs: VirtualMs }
  | {
      readonly kind: "write-memory";
      readonly atMs: VirtualMs;
      readonly address: number;
      readonly bytes: Uint8Array;
    }
  /** A request to the resident; how it acts on the guest follows from it. */
  | { readonly kind: "ask-resident"; readonly atMs: VirtualMs; readonly request: unknown }
  | { readonly kind: "withhold-disk"; readonly atMs: VirtualMs; readonly disk: number }
  /** From then on every reset withholds the disk. */
  | { readonly kind: "withhold-disk-at-reset"; readonly atMs: VirtualMs; readonly disk: number }
  | {
      readonly kind: "attach-disk";
      readonly atMs: VirtualMs;
      readonly disk: number;
      readonly overlay: SparsePages;
    };

/** Inputs in the order in which they reached the machine. */
export type InputLog = readonly MachineInput[];
