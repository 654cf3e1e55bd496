import { describe, expect, test } from "vitest";
import { gapsOf, lengthMs, longestGap } from "../../src/experiment/gaps.js";
import { phasesOf, sampleReport } from "./sample-report.js";

describe("the gaps of a run", () => {
  test("VM fork and switch-over are two, and the longer one is the downtime", () => {
    const gaps = gapsOf(sampleReport("shadow").phases);
    expect(gaps.map((gap) => gap.phases.map((phase) => phase.name))).toEqual([
      ["vm-fork"],
      ["freeze-home", "attach-home", "capture", "restore", "first-answer"],
    ]);
    expect(gaps.map(lengthMs).map(Math.round)).toEqual([14, 46]);
    expect(longestGap(gaps)).toBe(gaps[1]);
  });

  test("phases of a reboot tile one gap, in whatever order they are listed", () => {
    const { phases, downtime } = sampleReport("reboot");
    const [gap, ...others] = gapsOf([...phases].reverse());
    expect(others).toEqual([]);
    expect(gap && lengthMs(gap)).toBeCloseTo(downtime.virtualMs, 6);
  });

  test("there are none where the user never waits", () => {
    expect(gapsOf(phasesOf([["init", 5, "reboot-dedicated", false]]))).toEqual([]);
    expect(longestGap([])).toBeUndefined();
  });
});
