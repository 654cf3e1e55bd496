import { beforeAll, describe, expect, test } from "vitest";
import type { RunReport } from "../../src/reboot/report.js";
import { runCommand } from "../../src/reboot/vm.js";
import { detailOf, expectNewKernel, phasesOfDowntime } from "../support/report.js";
import { updateBusybox } from "../support/update-busybox.js";

describe("a reboot of busybox with the user's programs saved and restored", () => {
  let report: RunReport;
  let shell = "";

  beforeAll(async () => {
    report = await updateBusybox("checkpoint-reboot", {
      async onEnd(run) {
        const look = 'echo "work=$work pid=$$ kernel=$(uname -r)"';
        shell = (await runCommand(run.active(), look, 5000)).output;
      },
    });
  });

  test("puts the updated kernel into effect by way of the firmware", () => {
    expectNewKernel(report);
    expect(report.events.map(({ kind }) => kind)).toContain("reset");
  });

  test("the user's shell is still there, with its memory and its process id, under the new kernel", () => {
    // The first boot gives out the process ids from 1000 on, the second those from 2000 on.
    expect(shell).toMatch(/^work=unsaved pid=10\d\d kernel=6\.1\.0-50-686$/m);
    expect(detailOf(report, "session-checked")?.survived).toMatch(/\bshell\b/);
    expect(detailOf(report, "home-checked")).toEqual({ lost: "" });
  });

  test("the user waits from the capture to the restore", () => {
    const names = phasesOfDowntime(report).map(({ name }) => name);
    expect(names.slice(0, 4)).toEqual(["capture-programs", "shutdown", "firmware", "kernel"]);
    expect(names.slice(-2)).toEqual(["restore-programs", "first-answer"]);
  });
});

test("a program that cannot be saved stops the update before the reboot", async () => {
  const report = await updateBusybox("checkpoint-reboot", {
    async onPhase(phase, run) {
      if (phase !== "apply-update") return;
      await runCommand(run.active(), "exec 7</dev/mem", 5000);
    },
  });
  expect(report.committed).toBe(false);
  expect(report.failure?.message).toMatch(/what runs cannot .*\/dev\/mem/);
  expect(report.events.map(({ kind }) => kind)).not.toContain("reset");
  expect(report.kernelAfter).toBe("6.1.0-47-686");
  expect(detailOf(report, "session-checked")?.survived).toMatch(/\bshell\b/);
});

test("what fails before the guest goes down lets the saved programs go on", async () => {
  const report = await updateBusybox("checkpoint-reboot", {
    onPhase(phase) {
      if (phase === "reboot") throw new Error("not today");
    },
  });
  expect(report.failure).toMatchObject({ phase: "reboot", rolledBack: true });
  expect(report.events.map(({ kind }) => kind)).not.toContain("reset");
  expect(detailOf(report, "session-checked")?.survived).toMatch(/\bshell\b/);
});
