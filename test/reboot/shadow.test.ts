import { beforeAll, describe, expect, test } from "vitest";
import { DEFAULT_HOST } from "../../src/host/config.js";
import type { RunReport } from "../../src/reboot/report.js";
import { runCommand } from "../../src/reboot/vm.js";
import { referenceRun } from "../support/reference-run.js";
import {
  expectHomeKept,
  expectNewKernel,
  longestGap,
  phasesOfDowntime,
} from "../support/report.js";
import { updateBusybox } from "../support/update-busybox.js";
import { workerCount } from "../support/workers.js";

describe("a shadow reboot of busybox", () => {
  let report: RunReport;
  let notes = "";
  let workers = 0;

  beforeAll(async () => {
    report = await updateBusybox("shadow", {
      async onEnd({ original }) {
        notes = (await runCommand(original, "cat /home/*.note", 5000)).output;
      },
    });
    workers = workerCount();
  });

  test("puts the updated kernel into effect", () => {
    expectNewKernel(report);
  });

  test("keeps what the user wrote to /home before it and during the background reboot", () => {
    expectHomeKept(report, notes);
  });

  test("lets the user work while the fork reboots", () => {
    const background = report.phases.filter(({ name }) => name.startsWith("background-"));
    const start = background[0]?.startMs ?? 0;
    const end = background.at(-1)?.endMs ?? 0;
    expect(end - start).toBeGreaterThan(5000);
    const meanwhile = report.probe.filter(({ sentMs }) => sentMs >= start && sentMs < end);
    expect(meanwhile.length).toBeGreaterThan(500);
    expect(meanwhile.every(({ answeredMs }) => answeredMs !== null)).toBe(true);
  });

  test("has a downtime that its phases add up to within one per cent", () => {
    expect(report.downtime.virtualMs).toBeCloseTo(longestGap(report), 6);
    phasesOfDowntime(report);
  });

  test("freezes /home before the fork gets it, and commits once", () => {
    const names = report.phases.map(({ name }) => name);
    expect(names.indexOf("freeze-home")).toBeLessThan(names.indexOf("attach-home"));
    const commits = report.events.filter(({ kind }) => kind === "commit");
    expect(commits).toHaveLength(1);
  });

  test("pauses the original VM for the fork only while what has changed is copied", () => {
    const fork = report.phases.find(({ name }) => name === "vm-fork");
    const pauseMs = (fork?.endMs ?? Infinity) - (fork?.startMs ?? 0);
    expect(pauseMs).toBeGreaterThan(DEFAULT_HOST.costs.deviceStateMs);
    // To copy all of its 128 MB takes 13 ms.
    expect(pauseMs).toBeLessThan(6);
  });

  test("gives the digest that is in the repository", async () => {
    expect(report.digest).toBe((await referenceRun("shadow")).digest);
  });

  test("leaves no worker behind", () => {
    expect(workers).toBe(0);
  });
});
