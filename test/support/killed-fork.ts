import { expect } from "vitest";
import type { RunReport } from "../../src/reboot/report.js";
import type { StrategyName } from "../../src/reboot/update.js";
import { runCommand } from "../../src/reboot/vm.js";
import { updateBusybox } from "./update-busybox.js";

/**
 * Kills the worker of the reboot-dedicated VM at the beginning of a phase and expects that the update
 * is rolled back and that the user has lost nothing.
 */
export async function expectRollbackWhenKilledIn(
  phase: string,
  strategy: StrategyName = "shadow",
): Promise<RunReport> {
  let after = "";
  const report = await updateBusybox(strategy, {
    async onPhase(name, run) {
      if (name === phase) await run.dedicated()?.machine.dispose();
    },
    async onEnd({ original }) {
      // The console still has the user's shell, and /home can be written to.
      const command = "echo after >/home/after.note && sync && cat /home/*.note";
      after = (await runCommand(original, command, 10_000)).output;
    },
  });
  expect(report.committed).toBe(false);
  expect(report.failure?.phase).toBe(phase);
  expect(report.failure?.message).toContain("The original VM goes on");
  expect(report.kernelAfter).toBe("6.1.0-47-686");
  // The user works on as soon as the fork is there, with its files noted.
  const meanwhile = phase === "note-files" ? [] : ["during-background-reboot"];
  expect(after.split("\n")).toEqual(
    expect.arrayContaining(["before-update", ...meanwhile, "after"]),
  );
  const undone = report.events.find(({ kind }) => kind === "rolled-back")?.atMs ?? Infinity;
  const answers = report.probe.filter(({ answeredMs }) => answeredMs !== null);
  expect(answers.some(({ sentMs }) => sentMs >= undone)).toBe(true);
  return report;
}
