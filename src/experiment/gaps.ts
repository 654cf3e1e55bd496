import type { VirtualMs } from "../clock/virtual-time.js";
import type { Phase, ProbeAnswer } from "../reboot/report.js";

/** A time without a pause in which the user waits: phases of the downtime, one after the other. */
export interface Gap {
  readonly startMs: VirtualMs;
  readonly endMs: VirtualMs;
  /** In order of time; each starts where the one before it ends. */
  readonly phases: readonly Phase[];
}

/** Phases further apart than this belong to two gaps: the probe asks every 10 ms. */
const TOUCHING_MS = 1;

/** The gaps of a run in order of time. VM fork and switch-over are two gaps of the same run. */
export function gapsOf(phases: readonly Phase[]): Gap[] {
  const waiting = phases.filter((phase) => phase.downtime).sort((a, b) => a.startMs - b.startMs);
  const gaps: Gap[] = [];
  for (const phase of waiting) {
    const last = gaps.at(-1);
    if (last && phase.startMs - last.endMs <= TOUCHING_MS) {
      const endMs = phase.endMs > last.endMs ? phase.endMs : last.endMs;
      gaps[gaps.length - 1] = { ...last, endMs, phases: [...last.phases, phase] };
    } else {
      gaps.push({ startMs: phase.startMs, endMs: phase.endMs, phases: [phase] });
    }
  }
  return gaps;
}

/** How long a gap or a phase is, in virtual milliseconds. */
export function lengthMs({ startMs, endMs }: Pick<Gap, "startMs" | "endMs">): number {
  return endMs - startMs;
}

/** The gap that the run's downtime is the length of; the first one where several are as long. */
export function longestGap(gaps: readonly Gap[]): Gap | undefined {
  return gaps.reduce<Gap | undefined>(
    (longest, gap) => (longest && lengthMs(longest) >= lengthMs(gap) ? longest : gap),
    undefined,
  );
}

/**
 * How long nobody answered around a moment, in virtual ms: from the last answer before it to the first one after
 * it; null if one of them is missing.
 */
export function silenceAt(probe: readonly ProbeAnswer[], moment: number): number | null {
  const answers = probe.flatMap(({ answeredMs }) => answeredMs ?? []).sort((a, b) => a - b);
  const next = answers.find((answer) => answer > moment);
  const last = answers.findLast((answer) => answer <= moment);
  return next === undefined || last === undefined ? null : next - last;
}
