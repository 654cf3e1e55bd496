import { beforeAll, describe, expect, test } from "vitest";
import { phaseSnapshot } from "../../src/experiment/phase-snapshot.js";
import { prepareFollowed } from "../../src/experiment/preparation.js";
import { guestProfile, type PreparedGuest } from "../../src/experiment/prepared-guest.js";
import { DEFAULT_HOST } from "../../src/host/config.js";
import { listGuests, readRecipe } from "../../src/images/recipe.js";
import type { RunReport } from "../../src/reboot/report.js";
import { runUpdate, type StrategyName } from "../../src/reboot/update.js";
import { QUIET } from "../support/quiet.js";

/** The guests with an init system of Debian's. */
const guests: string[] = [];
for (const name of await listGuests()) {
  if ((await readRecipe(name)).layer !== undefined) guests.push(name);
}

describe.each(guests)("the guest %s", (name) => {
  let guest: PreparedGuest;
  beforeAll(async () => {
    guest = await prepareFollowed(name, QUIET);
  });

  const update = (strategy: StrategyName): Promise<RunReport> => {
    const profile = guestProfile(guest, "kernel");
    return runUpdate({
      strategy,
      applyIn: "original",
      drop: false,
      guest: profile,
      bootSnapshot: guest.bootSnapshot,
      host: DEFAULT_HOST,
      phaseSnapshot: () => phaseSnapshot(guest, profile, QUIET),
      startMachine: (role) => guest.startMachine(role),
      wallNow: () => performance.now(),
    });
  };

  test("has another kernel after each strategy, and loses no file of /home", async () => {
    const downtimes: Record<string, number> = {};
    for (const strategy of ["reboot", "shadow", "shadow-transplant"] as const) {
      const report = await update(strategy);
      expect(report).toMatchObject({
        failure: null,
        committed: true,
        kernelAfter: guestProfile(guest, "kernel").update.kernelAfter,
      });
      const checked = report.events.find(({ kind }) => kind === "home-checked");
      expect(checked?.detail).toEqual({ lost: "" });
      downtimes[strategy] = report.downtime.virtualMs;
    }
    const { reboot = 0, shadow, "shadow-transplant": transplant } = downtimes;
    expect(shadow).toBeLessThan(reboot * 0.02);
    expect(transplant).toBeLessThan(reboot * 0.01);
  });
});
