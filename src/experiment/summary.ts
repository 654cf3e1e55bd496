import { z } from "zod";
import { virtualMs, wallMs } from "../clock/virtual-time.js";
import type { RunReport } from "../reboot/report.js";

/** Rounded to nanoseconds: finer digits are noise of floating point. */
const virtualTime = z.number().transform((ms) => virtualMs(Number(ms.toFixed(6))));

/** Rounded to 0.1 ms: finer digits say nothing about this computer. */
const wallTime = z
  .number()
  .nonnegative()
  .transform((ms) => wallMs(Number(ms.toFixed(1))));

const phase = z
  .object({
    name: z.string().min(1),
    machine: z.enum(["original", "reboot-dedicated"]),
    startMs: virtualTime,
    endMs: virtualTime,
    wallMs: wallTime,
    downtime: z.boolean(),
  })
  .refine(({ startMs, endMs }) => startMs <= endMs, { error: "a phase ends before it starts" });

/**
 * `summary.json`: what a run found out, without its bulk (events, consoles, probe). This schema is the
 * only definition of the file; what it returns has rounded times and the schema's order of keys.
 */
export const runSummary = z.object({
  guest: z.string().min(1),
  strategy: z.string().min(1),
  kernelBefore: z.string(),
  kernelAfter: z.string(),
  committed: z.boolean(),
  failure: z
    .object({
      phase: z.string(),
      message: z.string(),
      rolledBack: z.boolean(),
      silent: z.boolean(),
    })
    .nullable(),
  downtime: z.object({ virtualMs: virtualTime, wallMs: wallTime }),
  // Summaries that an earlier version wrote lack these four.
  hasShell: z.boolean().default(true),
  programs: z
    .array(z.object({ name: z.string(), survived: z.boolean() }))
    .readonly()
    .default([]),
  heartbeat: z.object({ beats: z.int(), gapMs: virtualTime }).nullable().default(null),
  background: z
    .object({ tookMs: virtualTime, userRanMs: virtualTime, userWaitedMs: virtualTime })
    .nullable()
    .default(null),
  phases: z.array(phase).readonly(),
  digest: z.string(),
});

/** What a run found out, as `summary.json` holds it. A whole {@link RunReport} may stand for it. */
export type RunSummary = z.infer<typeof runSummary>;

/** The summary of a run; equal reports give equal summaries, key order included. */
export function summarise(report: RunReport): RunSummary {
  return runSummary.parse(report);
}
