import type { VirtualMs } from "../clock/virtual-time.js";
import type { Run } from "./run.js";
import type { Vm } from "./vm.js";

/** The end of a part of a boot or of a switch-over, in host time. */
export interface BootMark {
  readonly name: string;
  readonly atMs: VirtualMs;
  /** The VM that worked for it; the original one if that is not said. */
  readonly vm?: Vm;
}

/**
 * Files a downtime as phases: the time without an answer to the probe, cut at the marks, and after the
 * last of them `first-answer`. So the phases add up to what the user sees.
 *
 * @param within a moment that lies in the downtime
 */
export function fileDowntime(run: Run, within: VirtualMs, marks: readonly BootMark[]): void {
  const { startMs, endMs } = run.probe.gapAround(within);
  let from: VirtualMs = startMs;
  for (const { name, atMs, vm = run.original } of marks) {
    if (atMs <= from || atMs >= endMs) continue;
    run.addPhase(name, { vm, downtime: true }, from, atMs);
    from = atMs;
  }
  run.addPhase("first-answer", { vm: run.active(), downtime: true }, from, endMs);
}
