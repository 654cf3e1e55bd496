import { beforeAll, describe, expect, test } from "vitest";
import type { RunReport } from "../../src/reboot/report.js";
import { referenceRun } from "../support/reference-run.js";
import { updateBusybox } from "../support/update-busybox.js";

describe("a plain reboot of busybox", () => {
  let report: RunReport;

  beforeAll(async () => {
    report = await updateBusybox("reboot");
  });

  test("puts the updated kernel into effect", () => {
    expect(report.failure).toBeNull();
    expect(report.committed).toBe(true);
    expect(report.kernelBefore).toBe("6.1.0-47-686");
    expect(report.kernelAfter).toBe("6.1.0-50-686");
  });

  test("keeps /home", () => {
    expect(report.events.find(({ kind }) => kind === "home-checked")?.detail).toEqual({ lost: "" });
  });

  test("goes through shutdown, firmware, kernel and userland while the user waits", () => {
    const waiting = report.phases.filter(({ downtime }) => downtime);
    expect(waiting.map(({ name }) => name)).toEqual(
      expect.arrayContaining(["shutdown", "firmware", "kernel", "userland", "first-answer"]),
    );
    for (const [index, phase] of waiting.entries()) {
      expect(phase.startMs).toBe(waiting[index - 1]?.endMs ?? phase.startMs);
    }
    const sum = waiting.reduce((total, { startMs, endMs }) => total + endMs - startMs, 0);
    expect(Math.abs(sum - report.downtime.virtualMs)).toBeLessThan(report.downtime.virtualMs / 100);
  });

  test("gives the digest that is in the repository", async () => {
    expect(report.digest).toBe((await referenceRun("reboot")).digest);
  });

  test("keeps the user waiting at least fifty times as long as shadow does", async () => {
    const shadow = await referenceRun("shadow");
    const saved = 1 - shadow.downtimeMs / report.downtime.virtualMs;
    expect(saved).toBeGreaterThanOrEqual(0.98);
  });
});
