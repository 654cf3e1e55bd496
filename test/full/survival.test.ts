/** What of the programs of a guest lives through an update, by each strategy. */
import { beforeAll, describe, expect, test } from "vitest";
import { guestProfile } from "../../src/experiment/prepared-guest.js";
import { DEFAULT_HOST } from "../../src/host/config.js";
import type { GuestProfile } from "../../src/reboot/guest-profile.js";
import type { RunReport } from "../../src/reboot/report.js";
import { runUpdate, type StrategyName } from "../../src/reboot/update.js";
import { workbench } from "../support/workbench.js";

/** How long an update may take on a busy computer, in ms. */
const UPDATE_MS = 3600_000;

async function updateWorkbench(
  strategy: StrategyName,
  programs?: GuestProfile["programs"],
): Promise<RunReport> {
  const prepared = await workbench();
  const profile = guestProfile(prepared, "kernel");
  return runUpdate({
    strategy,
    guest: programs === undefined ? profile : { ...profile, programs },
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

  test("has a downtime that is longer than a program's own heartbeat tells by the time it takes to stop them all and to let them go", () => {
    const { heartbeat, downtime } = report;
    expect(heartbeat?.beats).toBeGreaterThan(1000);
    const aheadMs = downtime.virtualMs - (heartbeat?.gapMs ?? 0);
    expect(aheadMs).toBeGreaterThan(-1);
    expect(aheadMs).toBeLessThan(4);
  });
});

test("a transplant of one program has a downtime that its own heartbeat tells within a millisecond", async () => {
  const { failure, heartbeat, downtime } = await updateWorkbench("shadow-transplant", []);
  expect(failure).toBeNull();
  expect(heartbeat?.beats).toBeGreaterThan(1000);
  // A gap between two beats is up to half a millisecond longer than what kept the second from coming.
  expect(Math.abs(downtime.virtualMs - (heartbeat?.gapMs ?? 0))).toBeLessThanOrEqual(1);
});

test.each(["reboot", "shadow"] as const)("%s ends all of them", async (strategy) => {
  const report = await updateWorkbench(strategy);
  expect(report.committed).toBe(true);
  expect(ended(report)).toEqual(report.programs.map(({ name }) => name));
  expect(report.heartbeat).toBeNull();
});
