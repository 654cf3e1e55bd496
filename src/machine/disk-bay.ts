import { createOverlayDisk, type OverlayDisk } from "../storage/overlay-disk.js";
import type { SparsePages } from "../storage/pages.js";
import type { MachineConfig } from "./config.js";
import { MachineError } from "./errors.js";

/** The disks of a machine, by their places in its configuration. */
export interface DiskBay {
  readonly disks: readonly OverlayDisk[];
  /** What has been written to a disk. */
  overlay(index: number): SparsePages;
  /** From now on the disk reads as zeros and forgets what is written to it. */
  withhold(index: number): void;
  /** Withholds it whenever `reset` is called. */
  withholdAtReset(index: number): void;
  /** Gives a withheld disk back, with this overlay; from now on a reset leaves it alone. */
  attach(index: number, overlay: SparsePages): void;
  /** The guest resets. */
  reset(): void;
  /** @throws {MachineError} if a disk is withheld */
  checkAttached(): void;
  /** What has been written to each. */
  overlays(): SparsePages[];
  /** Puts back what `overlays` gave; nothing is withheld then. */
  restore(overlays: readonly SparsePages[]): void;
}

/**
 * Makes the disks.
 *
 * @param owner the machine's name, for messages
 * @param bases base images in the order of the configuration
 * @throws {MachineError} if a base image is not as large as the configuration says
 */
export function createDiskBay(
  owner: string,
  config: MachineConfig["disks"],
  bases: readonly Uint8Array[],
): DiskBay {
  const disks = config.map(({ name, bytes }, index) => {
    const base = bases[index];
    if (base?.length !== bytes) {
      throw new MachineError(
        `The base image of disk "${name}" has ${base?.length ?? 0} bytes, not ${bytes}.`,
      );
    }
    return createOverlayDisk({ name, base });
  });
  const withheldAtReset = new Set<number>();

  function disk(index: number): OverlayDisk {
    const found = disks[index];
    if (found === undefined) throw new MachineError(`The machine "${owner}" has no disk ${index}.`);
    return found;
  }

  return {
    disks,
    overlay: (index) => disk(index).diff(),
    withhold(index) {
      disk(index).withhold();
    },
    withholdAtReset(index) {
      disk(index);
      withheldAtReset.add(index);
    },
    attach(index, overlay) {
      disk(index).attach(overlay);
      withheldAtReset.delete(index);
    },
    reset() {
      for (const index of withheldAtReset) disk(index).withhold();
    },
    checkAttached() {
      const withheld = disks.find(({ isWithheld }) => isWithheld);
      if (withheld === undefined) return;
      throw new MachineError(
        `The disk "${withheld.name}" of "${owner}" is withheld: attach it before a capture.`,
      );
    },
    overlays: () => disks.map((each) => each.diff()),
    restore(overlays) {
      for (const [index, overlay] of overlays.entries()) disk(index).attach(overlay);
      withheldAtReset.clear();
    },
  };
}
