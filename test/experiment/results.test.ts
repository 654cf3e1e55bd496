import { readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { loadExperiments } from "../../src/experiment/experiments.js";
import { writeResults } from "../../src/experiment/results.js";
import { DEFAULT_HOST } from "../../src/host/config.js";
import { finishedRun } from "./finished-runs.js";
import { temporaryDirectory } from "./temporary-directory.js";

test("rows of wall times say by which settings of the host runs differ", async () => {
  const folder = temporaryDirectory();
  const experiment = (await loadExperiments()).find(({ name }) => name === "preemption");
  if (experiment === undefined) throw new Error("there is such an experiment");
  const planned = experiment.runs({ guests: [], strategies: [], updates: () => [] });
  const runs = planned.map(({ guest, strategy, host }) => {
    const costs = { ...DEFAULT_HOST.costs, ...host?.costs };
    return finishedRun(guest, strategy, { host: { ...DEFAULT_HOST, ...host, costs } });
  });
  await writeResults(folder, { experiments: [{ experiment, runs }], repetitions: [] });
  const [heading, ...rows] = readFileSync(path.join(folder, "wall-times.csv"), "utf8")
    .trim()
    .split("\n");
  expect(heading).toMatch(/,preemptionIntervalMs,switchMs,/);
  expect(new Set(rows).size).toBe(planned.length);
});
