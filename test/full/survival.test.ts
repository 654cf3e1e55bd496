/** What of the programs of a guest lives through an update, by each strategy. */
import { beforeAll, describe, expect, test } from "vitest";
import { guestProfile } from "../../src/experiment/prepared-guest.js";
import { DEFAULT_HOST } from "../../src/host/config.js";
import type { RunReport } from "../../src/reboot/report.js";
import { runUpdate, type StrategyName } from "../../src/reboot/update.js";
import { workbench } from "../support/workbench.js";

/** How long an update may take on a busy computer, in ms. */
const UPDATE_MS = 3600_000;

async function updateWorkbench(strategy: StrategyName): Promise<RunReport> {
  const prepared = await workbench();
  return runUpdate({
    strategy,
    guest: guestProfile(prepared, "kernel"),
    bootSnapshot: prepared.bootSnapshot,
    host: DEFAULT_HOST,
    startMachine: (name) => prepared.startMachine(name),
    wallNow: () => performance.now(),
  });
}

function ended({ programs }: RunReport): string[] {
  return programs.flatMap(({ name, survived }) => (survived ? [] : [name]));
}

describe("a transplant of all that a user of workbench has open", () => {
  let report: RunReport;

  beforeAll(async () => {
    report = await updateWorkbench("shadow-transplant");
  }, UPDATE_MS);

  test("ends none of the programs", () => {
    expect(report.failure).toBeNull();
    expect(report.programs.length).toBeGreaterThan(6);
    expect(ended(report)).toEqual([]);
  });

  test("has a downtime that a program's own heartbeat tells within a millisecond", () => {
    const { heartbeat, downtime } = report;
    expect(heartbeat?.beats).toBeGreaterThan(1000);
    const gapMs = heartbeat?.gapMs ?? 0;
    expect(Math.abs(downtime.virtualMs - gapMs)).toBeLessThanOrEqual(1);
    expect(downtime.virtualMs).toBeGreaterThanOrEqual(gapMs);
  });
});

test.each(["reboot", "shadow"] as const)("%s ends all of them", async (strategy) => {
  const report = await updateWorkbench(strategy);
  expect(report.committed).toBe(true);
  expect(ended(report)).toEqual(report.programs.map(({ name }) => name));
  expect(report.heartbeat).toBeNull();
});
