import { beforeAll, describe, expect, test } from "vitest";
import type { RunReport } from "../../src/reboot/report.js";
import { runCommand } from "../../src/reboot/vm.js";
import { expectRollbackWhenKilledIn } from "../support/killed-fork.js";
import { referenceRun } from "../support/reference-run.js";
import {
  detailOf,
  expectHomeKept,
  expectNewKernel,
  longestGap,
  phasesOfDowntime,
} from "../support/report.js";
import { updateBusybox } from "../support/update-busybox.js";
import { workerCount } from "../support/workers.js";

describe("a shadow reboot of busybox with the user's programs transplanted", () => {
  let report: RunReport;
  let shell = "";
  let workers = 0;

  beforeAll(async () => {
    report = await updateBusybox("shadow-transplant", {
      async onEnd(run) {
        const look = 'echo "work=$work pid=$$ kernel=$(uname -r)"; jobs; cat /home/*.note';
        shell = (await runCommand(run.active(), look, 5000)).output;
      },
    });
    workers = workerCount();
  });

  test("puts the updated kernel into effect", () => {
    expectNewKernel(report);
  });

  test("the user's shell is still there, with its memory and its process id, under the new kernel", () => {
    // The first boot gives out the process ids from 1000 on, the second those from 2000 on.
    expect(shell).toMatch(/^work=unsaved pid=10\d\d kernel=6\.1\.0-50-686$/m);
    expect(detailOf(report, "session-checked")).toEqual({
      kept: true,
      survived: "shell counter",
    });
  });

  test("nothing in /home is lost", () => {
    expectHomeKept(report, shell);
  });

  test("has a downtime that its phases add up to within one per cent", () => {
    expect(report.downtime.virtualMs).toBeCloseTo(longestGap(report), 6);
    phasesOfDowntime(report);
  });

  test("the user waits at most a hundredth of the time that a plain reboot takes", async () => {
    const { downtimeMs } = await referenceRun("reboot");
    expect(report.downtime.virtualMs).toBeLessThan(downtimeMs / 100);
  });

  test("gives the digest that is in the repository", async () => {
    expect(report.digest).toBe((await referenceRun("shadow-transplant")).digest);
  });

  test("leaves no worker behind", () => {
    expect(workers).toBe(0);
  });
});

test("a reboot-dedicated VM that dies while the programs are restored leaves them as they were", async () => {
  const report = await expectRollbackWhenKilledIn("restore-programs", "shadow-transplant");
  expect(detailOf(report, "session-checked")).toEqual({
    kept: true,
    survived: "shell counter",
  });
});
