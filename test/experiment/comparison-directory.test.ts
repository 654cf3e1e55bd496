import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { compareRuns, comparisonMarkdown } from "../../src/experiment/compare.js";
import { writeComparison } from "../../src/experiment/comparison-directory.js";
import { sampleReport } from "./sample-report.js";
import { temporaryDirectory } from "./temporary-directory.js";

test("a comparison lies beside the runs that it compares", () => {
  const dir = temporaryDirectory();
  mkdirSync(path.join(dir, "shadow"));
  const runs = [sampleReport("reboot"), sampleReport("shadow")];
  writeComparison(dir, runs);
  writeComparison(dir, runs);
  expect(readdirSync(dir).sort()).toEqual([
    "comparison.json",
    "comparison.md",
    "downtime.png",
    "downtime.svg",
    "shadow",
  ]);
  const rows = compareRuns(runs);
  expect(JSON.parse(readFileSync(path.join(dir, "comparison.json"), "utf8"))).toEqual(rows);
  expect(readFileSync(path.join(dir, "comparison.md"), "utf8")).toBe(comparisonMarkdown(rows));
});

test("runs of several guests leave nothing", () => {
  const dir = temporaryDirectory();
  const runs = [sampleReport("reboot"), sampleReport("shadow", { guest: "debian" })];
  expect(() => {
    writeComparison(dir, runs);
  }).toThrow(RangeError);
  expect(readdirSync(dir)).toEqual([]);
});
