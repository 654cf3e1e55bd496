/*
 * The first sector of a disk: boot code and partition table.
 *
 * References: UEFI Specification, section 5.2.1 (legacy master boot record); GRUB,
 * include/grub/i386/pc/boot.h (GRUB_BOOT_MACHINE_CODE_END: the boot code ends where the table begins).
 */

/** Bytes of a disk sector. */
export const SECTOR_BYTES = 512;

/** The first partition starts at 1 MiB, as partitioning tools have it; before it lies GRUB's core. */
export const PARTITION_START = 1 << 20;

/** Identifies the disk to an operating system; any number, but always the same. */
const diskSignature = 0x5348_0001;

const linuxPartition = 0x83;

/**
 * Makes the boot sector of a disk with one bootable Linux partition, from `PARTITION_START` to its end.
 *
 * @param bootCode GRUB's `boot.img`, which loads the rest of GRUB from the next sector on
 * @param diskBytes size of the disk
 * @throws {RangeError} if the boot code is no boot sector, or the disk has no room for a partition
 */
export function bootSector(bootCode: Uint8Array, diskBytes: number): Uint8Array {
  if (bootCode.length !== SECTOR_BYTES) throw new RangeError("boot.img is not one sector");
  const sectors = (diskBytes - PARTITION_START) / SECTOR_BYTES;
  if (!Number.isInteger(sectors) || sectors <= 0 || sectors > 0xffff_ffff) {
    throw new RangeError(`a disk of ${diskBytes} bytes has no room for a partition`);
  }
  const sector = new Uint8Array(SECTOR_BYTES);
  const view = new DataView(sector.buffer);
  sector.set(bootCode.subarray(0, 440));
  view.setUint32(440, diskSignature, true);
  const entry = 446;
  sector[entry] = 0x80; // bootable
  sector[entry + 4] = linuxPartition;
  // Cylinder, head and sector cannot say it: the largest values send every reader to the numbers below.
  sector.set([0xfe, 0xff, 0xff], entry + 1);
  sector.set([0xfe, 0xff, 0xff], entry + 5);
  view.setUint32(entry + 8, PARTITION_START / SECTOR_BYTES, true);
  view.setUint32(entry + 12, sectors, true);
  view.setUint16(510, 0xaa55, true);
  return sector;
}
