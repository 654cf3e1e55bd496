import { describe, expect, test } from "vitest";
import { virtualMs } from "../../src/clock/virtual-time.js";
import { findingsOf } from "../../src/experiment/finished-run.js";
import { summarise } from "../../src/experiment/summary.js";
import type { RunEvent, RunReport } from "../../src/reboot/report.js";
import { sampleReport } from "./sample-report.js";

/** The files that a run with one more event has lost. */
function lostIn(...added: RunEvent[]) {
  const report = sampleReport("shadow");
  const { probe } = report;
  const events = [...report.events, ...added];
  return findingsOf({ config: {}, summary: summarise(report), events, probe }).lostFiles;
}

test("files are lost, or none is, or nobody has looked", () => {
  const checked = (lost: string): RunEvent => {
    return { atMs: virtualMs(9), kind: "home-checked", detail: { lost } };
  };
  expect(lostIn(checked("before-update after-fork"))).toEqual(["before-update", "after-fork"]);
  expect(lostIn(checked(""))).toEqual([]);
  expect(lostIn()).toBeNull();
});

describe("the user's shell", () => {
  const survived = (changes: Partial<RunReport>) => {
    const report = { ...sampleReport("shadow"), ...changes };
    return findingsOf({ config: {}, summary: summarise(report), events: [], probe: report.probe })
      .survived;
  };
  const shell = (survived: boolean) => [{ name: "shell", survived }];

  test.each([
    [true, { programs: shell(true) }],
    [false, { programs: shell(false) }],
    [false, { programs: [], hasShell: false }],
    // Nobody knows of a shell in which nothing was left.
    [null, { programs: [] }],
  ])("has lived through the update: %s", (expected, changes) => {
    expect(survived(changes)).toBe(expected);
  });
});
