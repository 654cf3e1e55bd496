import type { VirtualMs } from "../clock/virtual-time.js";
import type { Run } from "./run.js";

/** The end of a part of a boot or of a switch-over, in host time. */
export interface BootMark {
  readonly name: string;
  readonly atMs: VirtualMs;
}

/**
 * Files the downtime that a run's marks lie in as phases: the time without an answer to the probe, cut
 * at the marks, and after the last of them `first-answer`. So the phases add up to what the user sees.
 */
export function fileDowntime(run: Run, marks: readonly BootMark[]): void {
  const last = marks.at(-1);
  if (last === undefined) return;
  const { startMs, endMs } = run.probe.gapAround(last.atMs);
  const downtime = { vm: run.original, downtime: true };
  let from: VirtualMs = startMs;
  for (const { name, atMs } of marks) {
    if (atMs <= from || atMs >= endMs) continue;
    run.addPhase(name, downtime, from, atMs);
    from = atMs;
  }
  run.addPhase("first-answer", downtime, from, endMs);
}
