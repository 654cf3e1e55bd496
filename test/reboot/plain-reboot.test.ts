import { beforeAll, describe, expect, test } from "vitest";
import type { RunReport } from "../../src/reboot/report.js";
import { referenceRun } from "../support/reference-run.js";
import { detailOf, expectNewKernel, phasesOfDowntime } from "../support/report.js";
import { updateBusybox } from "../support/update-busybox.js";

describe("a plain reboot of busybox", () => {
  let report: RunReport;

  beforeAll(async () => {
    report = await updateBusybox("reboot");
  });

  test("puts the updated kernel into effect", () => {
    expectNewKernel(report);
  });

  test("keeps /home", () => {
    expect(detailOf(report, "home-checked")).toEqual({ lost: "" });
  });

  test("goes through shutdown, firmware, kernel and userland while the user waits", () => {
    expect(phasesOfDowntime(report).map(({ name }) => name)).toEqual(
      expect.arrayContaining(["shutdown", "firmware", "kernel", "userland", "first-answer"]),
    );
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
