import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Spell } from "../../src/clock/spell.js";
import { virtualMs } from "../../src/clock/virtual-time.js";
import { DEFAULT_HOST, type HostConfig } from "../../src/host/config.js";
import { type DiskUse, diskShares } from "../../src/host/disk-share.js";

const QUANTUM: Spell = { from: virtualMs(10), to: virtualMs(20) };

/** A machine that has used the disk for the first part of the quantum. */
function user(busyMs: number, background = false): DiskUse {
  const busy = busyMs === 0 ? [] : [{ from: QUANTUM.from, to: virtualMs(10 + busyMs) }];
  return { background, busy, idleSince: busyMs === 0 ? virtualMs(0) : null };
}

function shares(machines: readonly DiskUse[], host: Partial<HostConfig>): number[] {
  return diskShares(machines, { ...DEFAULT_HOST, ...host }, QUANTUM).map(({ share }) => share);
}

describe("the time of the disk", () => {
  test("is shared by all that use it under fair", () => {
    expect(shares([user(4), user(9, true)], { policy: "fair" })).toEqual([0.5, 0.5]);
    expect(shares([user(0), user(9, true)], { policy: "fair" })).toEqual([0.5, 1]);
    expect(shares([user(4), user(0, true)], { policy: "fair" })).toEqual([1, 0.5]);
  });

  test("is left to the background under background-idle where the foreground did not use it", () => {
    const host = { policy: "background-idle" } as const;
    expect(shares([user(4), user(9, true)], host)).toEqual([1, 0.6]);
    expect(shares([user(10), user(9, true)], host)).toEqual([1, 0]);
    expect(shares([user(0), user(9, true)], host)).toEqual([1, 1]);
  });

  test("is left to the background under idletime only after the interval", () => {
    const host = { policy: "idletime", preemptionIntervalMs: 5 } as const;
    expect(shares([user(4), user(9, true)], host)).toEqual([1, 0.1]);
    expect(shares([user(0), user(9, true)], host)).toEqual([1, 1]);
  });

  const machines = fc.array(
    fc.record({ busyMs: fc.integer({ min: 0, max: 10 }), background: fc.boolean() }),
    { minLength: 1, maxLength: 5 },
  );
  const intervals = fc.integer({ min: 0, max: 30 });

  test("is given once to those that used it under fair, and all of it", () => {
    fc.assert(
      fc.property(machines, (wishes) => {
        const users = wishes.map(({ busyMs, background }) => user(busyMs, background));
        const given = shares(users, { policy: "fair" });
        const sum = given.reduce((total, share, index) => {
          return total + ((users[index]?.busy.length ?? 0) > 0 ? share : 0);
        }, 0);
        expect(sum).toBeCloseTo(users.some(({ busy }) => busy.length > 0) ? 1 : 0, 9);
      }),
    );
  });

  test("is given to a foreground at least as freely under idletime as under fair", () => {
    fc.assert(
      fc.property(machines, intervals, (wishes, preemptionIntervalMs) => {
        const users = wishes.map(({ busyMs, background }) => user(busyMs, background));
        const fairly = shares(users, { policy: "fair" });
        const idly = shares(users, { policy: "idletime", preemptionIntervalMs });
        for (const [index, { background }] of users.entries()) {
          const share = idly[index] ?? 0;
          if (!background) expect(share).toBeGreaterThanOrEqual(fairly[index] ?? 0);
          expect(share).toBeGreaterThanOrEqual(0);
          expect(share).toBeLessThanOrEqual(1);
        }
      }),
    );
  });
});
