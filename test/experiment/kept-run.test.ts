import { existsSync, mkdirSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { keptRun } from "../../src/experiment/kept-run.js";
import { RunDirectoryError, writeRun } from "../../src/experiment/run-directory.js";
import { sampleReport } from "./sample-report.js";
import { temporaryDirectory } from "./temporary-directory.js";

test("a run that is kept is read, and one that is not is none", () => {
  const folder = temporaryDirectory();
  const directory = path.join(folder, "run");
  expect(keptRun(directory, folder)).toBeNull();
  writeRun(directory, {}, sampleReport("shadow"));
  expect(keptRun(directory, folder)?.summary.strategy).toBe("shadow");
});

test("what is no run is removed in the runs folder, and nowhere else", () => {
  const folder = temporaryDirectory();
  const [inside, outside] = [path.join(folder, "runs", "run"), path.join(folder, "mine")];
  for (const directory of [inside, outside]) mkdirSync(directory, { recursive: true });
  expect(keptRun(inside, path.join(folder, "runs"))).toBeNull();
  expect(existsSync(inside)).toBe(false);
  expect(() => keptRun(outside, path.join(folder, "runs"))).toThrow(RunDirectoryError);
  expect(existsSync(outside)).toBe(true);
});
