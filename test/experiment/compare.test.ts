import { describe, expect, test } from "vitest";
import { virtualMs, wallMs } from "../../src/clock/virtual-time.js";
import {
  compareRuns,
  comparisonMarkdown,
  formatComparison,
  formatPercent,
  formatSurvival,
} from "../../src/experiment/compare.js";
import { sampleReport } from "./sample-report.js";

const reboot = sampleReport("reboot");
const shadow = sampleReport("shadow");

describe("runs side by side", () => {
  test("say what each saves against a plain reboot", () => {
    expect(compareRuns([shadow, reboot])).toEqual([
      {
        strategy: "shadow",
        downtimeMs: 46,
        wallMs: 60.4,
        savedPercent: 99.4785,
        committed: true,
        outcome: "committed",
        survived: 1,
        programs: 2,
        kernelAfter: "6.1.0-50-686",
      },
      expect.objectContaining({ strategy: "reboot", downtimeMs: 8820, savedPercent: 0 }),
    ]);
  });

  test("save less than nothing where the downtime is longer", () => {
    const slow = sampleReport("shadow", {
      downtime: { virtualMs: virtualMs(17_640), wallMs: wallMs(1) },
    });
    expect(compareRuns([reboot, slow])[1]?.savedPercent).toBe(-100);
  });

  test("save nothing that counts if the update was rolled back", () => {
    const failed = sampleReport("shadow", { committed: false });
    expect(compareRuns([reboot, failed])[1]?.savedPercent).toBeNull();
  });

  test("have no saving without a committed reboot to compare with", () => {
    expect(compareRuns([shadow])[0]?.savedPercent).toBeNull();
    const failed = sampleReport("reboot", { committed: false });
    expect(compareRuns([failed, shadow]).map((row) => row.savedPercent)).toEqual([null, null]);
  });

  test("are of one guest", () => {
    expect(() => compareRuns([reboot, sampleReport("shadow", { guest: "debian" })])).toThrow(
      "busybox, debian",
    );
  });
});

test("a strategy that does not apply has its row, and no figures", () => {
  const inapplicable = { strategy: "phase-reuse", doesNotApply: "another kernel" };
  const rows = compareRuns([reboot, inapplicable, shadow]);
  expect(rows[1]).toEqual(inapplicable);
  expect(rows[2]).toMatchObject({ strategy: "shadow", savedPercent: 99.4785 });
  expect(formatComparison(rows)).toMatch(/^phase-reuse +- +- +- +does not apply +- +-$/m);
  expect(comparisonMarkdown(rows)).toContain(
    "| phase-reuse | - | - | - | does not apply | - | - |",
  );
});

test("a guest without programs has none that could survive", () => {
  const [row] = compareRuns([sampleReport("reboot", { programs: [] })]);
  expect(row && formatSurvival(row)).toBe("-");
});

describe("the table", () => {
  const rows = compareRuns([reboot, sampleReport("shadow")]);

  test("lines up in a terminal", () => {
    expect(formatComparison(rows)).toBe(
      [
        "strategy  downtime    saved  wall time  update     survived  kernel after",
        "reboot      8.82 s        -     11.6 s  committed    0 of 2  6.1.0-50-686",
        "shadow       46 ms  99.48 %      60 ms  committed    1 of 2  6.1.0-50-686",
        "",
      ].join("\n"),
    );
  });

  test("is valid Markdown", () => {
    expect(comparisonMarkdown(rows)).toBe(
      [
        "| strategy | downtime | saved | wall time | update | survived | kernel after |",
        "| --- | ---: | ---: | ---: | --- | ---: | --- |",
        "| reboot | 8.82 s | - | 11.6 s | committed | 0 of 2 | 6.1.0-50-686 |",
        "| shadow | 46 ms | 99.48 % | 60 ms | committed | 1 of 2 | 6.1.0-50-686 |",
        "",
      ].join("\n"),
    );
  });
});

test("a share that is not the whole is never shown as the whole", () => {
  expect([43.25, 98.96, 99.06, 99.96, 99.999, 100].map(formatPercent)).toEqual([
    "43.3 %",
    "98.96 %",
    "99.06 %",
    "99.96 %",
    "99.99 %",
    "100.0 %",
  ]);
});
