import { describe, expect, test } from "vitest";
import { virtualMs, wallMs } from "../../src/clock/virtual-time.js";
import { runSummary, summarise } from "../../src/experiment/summary.js";
import { sampleReport } from "./sample-report.js";

describe("the summary of a run", () => {
  test("survives a way through a file", () => {
    const summary = summarise(sampleReport("shadow"));
    expect(runSummary.parse(JSON.parse(JSON.stringify(summary)))).toEqual(summary);
  });

  test("of an earlier version says nothing of programs", () => {
    const { programs, heartbeat, ...earlier } = summarise(sampleReport("shadow"));
    expect(programs).toHaveLength(2);
    expect(heartbeat).not.toBeNull();
    expect(runSummary.parse(earlier)).toEqual({
      ...earlier,
      hasShell: true,
      programs: [],
      heartbeat: null,
    });
  });

  test("leaves out what is bulky", () => {
    expect(Object.keys(summarise(sampleReport("reboot")))).toEqual([
      "guest",
      "strategy",
      "kernelBefore",
      "kernelAfter",
      "committed",
      "failure",
      "downtime",
      "hasShell",
      "programs",
      "heartbeat",
      "background",
      "phases",
      "digest",
    ]);
  });

  test("rounds virtual time to nanoseconds and wall time to 0.1 ms", () => {
    const report = sampleReport("reboot", {
      downtime: { virtualMs: virtualMs(0.1 + 0.2), wallMs: wallMs(1.26) },
    });
    expect(summarise(report).downtime).toEqual({ virtualMs: 0.3, wallMs: 1.3 });
  });

  test("does not depend on the order of a report's keys", () => {
    const report = sampleReport("shadow");
    const reversed = Object.fromEntries(Object.entries(report).reverse()) as typeof report;
    expect(JSON.stringify(summarise(reversed))).toBe(JSON.stringify(summarise(report)));
  });

  test("has no phase that ends before it starts", () => {
    const [phase] = summarise(sampleReport("reboot")).phases;
    const backwards = { ...phase, startMs: 5, endMs: 4 };
    const summary = { ...summarise(sampleReport("reboot")), phases: [backwards] };
    expect(() => runSummary.parse(summary)).toThrow("a phase ends before it starts");
  });
});
