import { z } from "zod";

const sha256Hex = z
  .string()
  .regex(/^[0-9a-f]{64}$/, "a SHA-256 has 64 lower-case hexadecimal digits");
const MEBIBYTE = 1024 * 1024;

/** A disk of a machine: an immutable base image, known by its hash. */
export const diskConfigSchema = z.strictObject({
  /** What the disk is for, as strategies and snapshots call it: `system`, `home`. */
  name: z.string().regex(/^[a-z][a-z0-9-]{0,30}$/),
  /** Size in bytes, a multiple of 4096; an IDE disk of v86 ends below 2 GiB here. */
  bytes: z
    .int()
    .positive()
    .multipleOf(4096)
    .max(2 ** 31),
  /** SHA-256 of the base image. */
  baseSha256: sha256Hex,
});

/** How a machine finds its kernel: on its disk, or put into RAM as a boot loader would. */
export const bootConfigSchema = z.discriminatedUnion("from", [
  z.strictObject({ from: z.literal("disk") }),
  z.strictObject({
    from: z.literal("kernel"),
    kernelSha256: sha256Hex,
    initrdSha256: sha256Hex,
    commandLine: z.string().max(2000),
  }),
]);

/**
 * Everything that decides what a machine computes, by value or by hash: a snapshot is stamped with it
 * and restores only where it is the same.
 */
export const machineConfigSchema = z.strictObject({
  /** Bytes of guest RAM. v86 puts an initrd at 64 MiB, so a machine that boots `from: kernel` needs more. */
  memoryBytes: z
    .int()
    .min(16 * MEBIBYTE)
    .max(1024 * MEBIBYTE)
    .multipleOf(MEBIBYTE),
  biosSha256: sha256Hex,
  vgaBiosSha256: sha256Hex,
  boot: bootConfigSchema,
  /** First and second IDE disk, in this order. */
  disks: z.array(diskConfigSchema).max(2),
  /** What one guest instruction costs, in nanoseconds of virtual time; whole, so that no time is lost to rounding. */
  nsPerInstruction: z.int().min(1).max(1000),
  /** Seed of the machine's source of randomness. */
  seed: z.uint32(),
  /** What the guest's real-time clock shows when the machine is switched on, in ms since 1970. */
  epochMs: z.int().nonnegative(),
});

/** @see diskConfigSchema */
export type DiskConfig = Readonly<z.infer<typeof diskConfigSchema>>;
/** @see bootConfigSchema */
export type BootConfig = Readonly<z.infer<typeof bootConfigSchema>>;
/** @see machineConfigSchema */
export type MachineConfig = Readonly<z.infer<typeof machineConfigSchema>>;
