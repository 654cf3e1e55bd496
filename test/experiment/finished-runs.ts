import { virtualMs } from "../../src/clock/virtual-time.js";
import { gapsOf, lengthMs, longestGap } from "../../src/experiment/gaps.js";
import type { StrategyName } from "../../src/reboot/update.js";
import { DEFAULT_HOST } from "../../src/host/config.js";
import type { FinishedRun, RunFindings } from "../../src/experiment/finished-run.js";
import { summarise } from "../../src/experiment/summary.js";
import { sampleReport } from "./sample-report.js";

/** A run that ended well, as a figure or a claim takes it. */
export function finishedRun(
  guest: string,
  strategy: StrategyName,
  change: Partial<FinishedRun> = {},
  found: Partial<RunFindings> = {},
): FinishedRun {
  const zero = virtualMs(0);
  const report = sampleReport(strategy === "reboot" ? "reboot" : "shadow");
  return {
    guest,
    strategy,
    update: "kernel",
    host: DEFAULT_HOST,
    outcome: "committed",
    reason: "",
    found: {
      summary: summarise({
        ...report,
        guest,
        strategy,
        programs: [{ name: "counter", survived: strategy === "shadow-transplant" }],
      }),
      survived: strategy === "shadow-transplant",
      lostFiles: [],
      silenceMs: lengthMs(longestGap(gapsOf(report.phases)) ?? { startMs: zero, endMs: zero }),
      answers: { medianMs: 0.1, p99Ms: 0.4, longestMs: 3 },
      ...found,
    },
    ...change,
  };
}
