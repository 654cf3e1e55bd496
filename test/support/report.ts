import { expect } from "vitest";
import { silenceAt } from "../../src/experiment/gaps.js";
import type { Phase, RunReport } from "../../src/reboot/report.js";

/** Expects that the update of the kernel that the tests share has been committed and is in effect. */
export function expectNewKernel(report: RunReport): void {
  expect(report.failure).toBeNull();
  expect(report).toMatchObject({
    committed: true,
    kernelBefore: "6.1.0-47-686",
    kernelAfter: "6.1.0-50-686",
  });
}

/**
 * Expects that nothing in /home is lost.
 *
 * @param notes what `cat /home/*.note` printed at the end, with anything around it
 */
export function expectHomeKept(report: RunReport, notes: string): void {
  expect(notes.split("\n")).toEqual(
    expect.arrayContaining(["before-update", "during-background-reboot"]),
  );
  expect(detailOf(report, "home-checked")).toEqual({ lost: "" });
}

/**
 * The phases of the downtime, once it is sure that they follow one another and add up to the probe's silence there,
 * than which the downtime is no less. The pause of the VM fork is another one.
 */
export function phasesOfDowntime({ phases, downtime, probe }: RunReport): Phase[] {
  const waiting = phases.filter((phase) => phase.downtime && phase.name !== "vm-fork");
  for (const [index, phase] of waiting.entries()) {
    expect(phase.startMs).toBe(waiting[index - 1]?.endMs ?? phase.startMs);
  }
  const sum = waiting.reduce((total, { startMs, endMs }) => total + endMs - startMs, 0);
  const silenceMs = silenceAt(probe, (waiting[0]?.startMs ?? 0) + sum / 2) ?? 0;
  expect(Math.abs(sum - silenceMs)).toBeLessThan(silenceMs / 100);
  expect(downtime.virtualMs).toBeGreaterThanOrEqual(silenceMs - 1e-6);
  return waiting;
}

/** The longest time between two answers, from the probe's record alone, in ms. */
export function longestGap({ probe }: RunReport): number {
  const answered = probe.flatMap(({ answeredMs }) => (answeredMs === null ? [] : [answeredMs]));
  answered.sort((a, b) => a - b);
  return Math.max(...answered.map((at, index) => at - (answered[index - 1] ?? at)));
}

/** What an event of a run says, or undefined if there was none. */
export function detailOf({ events }: RunReport, kind: string) {
  return events.find((event) => event.kind === kind)?.detail;
}
