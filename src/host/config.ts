import { z } from "zod";

/**
 * The simulated host: how much processor time it has for its machines, how it shares it out, and what
 * its own work on them costs. All of it decides the results of a run.
 */
export const hostConfigSchema = z.strictObject({
  /** Processors; a machine has one virtual processor and uses at most one of them at a time. */
  cores: z.union([z.literal(1), z.literal(2), z.literal(4)]),
  /**
   * Who runs when. `fair`: all machines have equal shares, and who needs less leaves the rest to the
   * others. `background-idle`: the reboot-dedicated VM runs only while the original VM halts.
   * `idletime`: only once the original VM has halted for the preemption interval.
   */
  policy: z.enum(["fair", "background-idle", "idletime"]),
  /**
   * For `idletime`: how long the original VM must not have used the processor, or the disk, before the
   * reboot-dedicated VM gets it, in ms.
   */
  preemptionIntervalMs: z.number().min(0).max(10_000),
  /** Virtual time after which the machines wait for each other, in whole ms. */
  quantumMs: z.int().min(1).max(100),
  /**
   * The disk that all machines' disks lie on, shared by the same policy; null for one that takes no time.
   */
  disk: z
    .strictObject({
      /** Bytes that it moves in one ms. */
      bytesPerMs: z.number().positive(),
      /** What a request costs besides, in ms. */
      requestMs: z.number().nonnegative(),
    })
    .nullable(),
  /** What the VMM's own work costs while it keeps a machine from running. */
  costs: z.strictObject({
    /** Memory that the VMM copies or compares in one ms, in bytes. */
    memoryBytesPerMs: z.number().positive(),
    /** Saving or restoring the state of a machine's processor and devices, in ms. */
    deviceStateMs: z.number().nonnegative(),
    /**
     * Getting the only processor back from the reboot-dedicated VM, in ms: the original VM goes on so much
     * later, whenever it is woken from a halt in which the other one had the processor.
     */
    switchMs: z.number().min(0).max(10),
  }),
});

/** @see hostConfigSchema */
export type HostConfig = Readonly<z.infer<typeof hostConfigSchema>>;

/**
 * A desktop PC of today: copies run at 10 GB/s, and device state takes what it takes in v86. Disks and
 * switches take no time, as in an emulator whose images lie in memory. Measured wall times are reported
 * beside what this model gives.
 */
export const DEFAULT_HOST: HostConfig = {
  cores: 2,
  policy: "fair",
  preemptionIntervalMs: 2,
  quantumMs: 10,
  disk: null,
  costs: { memoryBytesPerMs: 10e6, deviceStateMs: 2.5, switchMs: 0 },
};
