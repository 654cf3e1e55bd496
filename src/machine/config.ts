/**
 * What a machine is made of. Everything in here decides what the guest computes, so all of it is
 * part of a snapshot's stamp and of a run's configuration.
 */

/** A disk of a machine: an immutable base image, known by its hash. */
export interface DiskConfig {
  /** What the disk is for, as the strategies and the files of a snapshot call it: `system`, `home`. */
  readonly name: string;
  /** Size in bytes, a multiple of 4096. */
  readonly bytes: number;
  /** SHA-256 of the base image, in hexadecimal. */
  readonly baseSha256: string;
}

/** How a machine finds its kernel. */
export type BootConfig =
  | { readonly from: "disk" }
  | {
      /** A Linux bzImage is put into RAM, as a boot loader of the 32-bit boot protocol would. */
      readonly from: "kernel";
      readonly kernelSha256: string;
      readonly initrdSha256: string;
      readonly commandLine: string;
    };

/** Everything that decides what a machine computes, by value or by hash. */
export interface MachineConfig {
  /** Bytes of guest RAM, a multiple of 1 MiB. */
  readonly memoryBytes: number;
  readonly biosSha256: string;
  readonly vgaBiosSha256: string;
  readonly boot: BootConfig;
  /** First and second IDE disk, in this order. */
  readonly disks: readonly DiskConfig[];
  /** Guest instructions in one millisecond of virtual time. */
  readonly instructionsPerMs: number;
  /** Seed of the machine's source of randomness, an unsigned 32-bit number. */
  readonly seed: number;
  /** What the guest's real-time clock shows when the machine is switched on, in ms since 1970. */
  readonly epochMs: number;
}
