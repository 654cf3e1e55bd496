import { beforeAll, describe, expect, test } from "vitest";
import type { RunReport } from "../../src/reboot/report.js";
import { runCommand } from "../../src/reboot/vm.js";
import { referenceRun } from "../support/reference-run.js";
import { updateBusybox } from "../support/update-busybox.js";

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
    workers = process.getActiveResourcesInfo().filter((name) => name === "MessagePort").length;
  });

  test("puts the updated kernel into effect", () => {
    expect(report.failure).toBeNull();
    expect(report.committed).toBe(true);
    expect(report.kernelBefore).toBe("6.1.0-47-686");
    expect(report.kernelAfter).toBe("6.1.0-50-686");
  });

  test("keeps what the user wrote to /home before it and during the background reboot", () => {
    expect(notes.split("\n")).toEqual(
      expect.arrayContaining(["before-update", "during-background-reboot"]),
    );
    expect(report.events.find(({ kind }) => kind === "home-checked")?.detail).toEqual({ lost: "" });
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
    const gaps = answerGaps(report);
    const longest = Math.max(...gaps);
    expect(report.downtime.virtualMs).toBeCloseTo(longest, 6);
    const switchOver = report.phases.filter(({ downtime, name }) => downtime && name !== "vm-fork");
    const sum = switchOver.reduce((total, { startMs, endMs }) => total + endMs - startMs, 0);
    expect(Math.abs(sum - longest) / longest).toBeLessThan(0.01);
  });

  test("freezes /home before the fork gets it, and commits once", () => {
    const names = report.phases.map(({ name }) => name);
    expect(names.indexOf("freeze-home")).toBeLessThan(names.indexOf("attach-home"));
    const commits = report.events.filter(({ kind }) => kind === "commit");
    expect(commits).toHaveLength(1);
  });

  test("gives the digest that is in the repository", async () => {
    expect(report.digest).toBe((await referenceRun("shadow")).digest);
  });

  test("leaves no worker behind", () => {
    expect(workers).toBe(0);
  });
});

/** The times between answers, from the probe's record alone. */
function answerGaps({ probe }: RunReport): number[] {
  const answered = probe.flatMap(({ answeredMs }) => (answeredMs === null ? [] : [answeredMs]));
  answered.sort((a, b) => a - b);
  return answered.map((at, index) => at - (answered[index - 1] ?? at));
}
