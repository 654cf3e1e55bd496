import type { VirtualMs } from "../clock/virtual-time.js";
import { checkPages, PAGE_SIZE, type SparsePages } from "../storage/pages.js";
import type { MachineConfig } from "./config.js";
import { MachineError } from "./errors.js";

/** A machine at a moment: all that it takes to go on from there elsewhere. RAM is dense. */
export interface MachineState {
  readonly clock: VirtualMs;
  readonly randomState: number;
  /** State of processor and devices: see `device-state.ts`. */
  readonly devices: Uint8Array;
  readonly ram: Uint8Array<ArrayBuffer>;
  /** Overlay of each disk, in the order of the configuration. */
  readonly disks: readonly SparsePages[];
}

/**
 * Checks that a state has the memory and the disks of a machine.
 *
 * @throws {MachineError} if it does not
 * @throws {PagesError} if an overlay contradicts itself
 */
export function checkFits({ ram, disks }: MachineState, name: string, config: MachineConfig): void {
  const fits =
    ram.length === config.memoryBytes &&
    disks.length === config.disks.length &&
    disks.every(({ pageCount }, index) => pageCount * PAGE_SIZE === config.disks[index]?.bytes);
  if (!fits) throw new MachineError(`The state does not fit the machine "${name}".`);
  disks.forEach(checkPages);
}
