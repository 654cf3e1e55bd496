import { expect } from "vitest";
import type { Phase, RunReport } from "../../src/reboot/report.js";

/** The phases in which the user waits, once it is sure that they follow one another and add up to the downtime. */
export function phasesOfDowntime({ phases, downtime }: RunReport): Phase[] {
  const waiting = phases.filter((phase) => phase.downtime);
  for (const [index, phase] of waiting.entries()) {
    expect(phase.startMs).toBe(waiting[index - 1]?.endMs ?? phase.startMs);
  }
  const sum = waiting.reduce((total, { startMs, endMs }) => total + endMs - startMs, 0);
  expect(Math.abs(sum - downtime.virtualMs)).toBeLessThan(downtime.virtualMs / 100);
  return waiting;
}

/** What an event of a run says, or undefined if there was none. */
export function detailOf({ events }: RunReport, kind: string) {
  return events.find((event) => event.kind === kind)?.detail;
}
