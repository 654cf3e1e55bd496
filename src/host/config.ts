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
   */
  policy: z.enum(["fair", "background-idle"]),
  /** Virtual time after which the machines wait for each other, in whole ms. */
  quantumMs: z.int().min(1).max(100),
  /** What the VMM's own work costs while it keeps a machine from running. */
  costs: z.strictObject({
    /** Memory that the VMM copies or compares in one ms, in bytes. */
    memoryBytesPerMs: z.number().positive(),
    /** Saving or restoring the state of a machine's processor and devices, in ms. */
    deviceStateMs: z.number().nonnegative(),
  }),
});

/** @see hostConfigSchema */
export type HostConfig = Readonly<z.infer<typeof hostConfigSchema>>;

/**
 * A desktop PC of today: copies run at 10 GB/s, and device state takes what it takes in v86. Measured
 * wall times are reported beside what this model gives.
 */
export const DEFAULT_HOST: HostConfig = {
  cores: 2,
  policy: "fair",
  quantumMs: 10,
  costs: { memoryBytesPerMs: 10e6, deviceStateMs: 2.5 },
};
