import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DEFAULT_HOST, type HostConfig, hostConfigSchema } from "../../src/host/config.js";
import { runQuantum, type Runnable } from "../../src/host/schedule.js";

/** A machine that wants so much of a quantum's processor time, and remembers what it got. */
interface Claimant extends Runnable {
  readonly wantsMs: number;
  usedMs: number;
}

const QUANTUM_MS = 10;
/** The preemption interval that claimants count with. */
const INTERVAL_MS = 2;

function claimant(wantsMs: number, background = false): Claimant {
  const self: Claimant = {
    background,
    wantsMs,
    usedMs: 0,
    // It does all that it wants at once, and then halts.
    leftMs: () => Math.max(0, QUANTUM_MS - self.usedMs - INTERVAL_MS),
    run(budgetMs) {
      expect(budgetMs).toBeGreaterThan(0);
      const used = Math.min(budgetMs, wantsMs - self.usedMs);
      self.usedMs += used;
      return Promise.resolve(used);
    },
  };
  return self;
}

async function share(machines: readonly Claimant[], host: Partial<HostConfig>): Promise<number[]> {
  const config = { ...DEFAULT_HOST, ...host };
  await runQuantum(machines, config, config.quantumMs);
  return machines.map(({ usedMs }) => Number(usedMs.toFixed(3)));
}

const fair = { policy: "fair", quantumMs: 10 } as const;
const busy = 10;

describe("fair shares", () => {
  test("a machine never uses more than one processor", async () => {
    expect(await share([claimant(busy)], { ...fair, cores: 4 })).toEqual([10]);
    expect(await share([claimant(busy), claimant(busy)], { ...fair, cores: 2 })).toEqual([10, 10]);
  });

  test("who is busy gets as much as everybody else who is", async () => {
    expect(await share([claimant(busy), claimant(busy)], { ...fair, cores: 1 })).toEqual([5, 5]);
    const three = [claimant(busy), claimant(busy), claimant(busy)];
    expect(await share(three, { ...fair, cores: 2 })).toEqual([6.667, 6.667, 6.667]);
  });

  test("what one leaves over is shared by the others", async () => {
    expect(await share([claimant(1), claimant(busy)], { ...fair, cores: 1 })).toEqual([1, 9]);
    const three = [claimant(1), claimant(busy), claimant(busy)];
    expect(await share(three, { ...fair, cores: 1 })).toEqual([1, 4.5, 4.5]);
    const four = [claimant(0), claimant(1), claimant(4), claimant(busy)];
    expect(await share(four, { ...fair, cores: 1 })).toEqual([0, 1, 4, 5]);
  });
});

describe("the background gets what is left while the foreground halts", () => {
  const idle = { policy: "background-idle", quantumMs: 10 } as const;

  test("a busy foreground leaves nothing, however many processors there are", async () => {
    for (const cores of [1, 2, 4] as const) {
      const machines = [claimant(busy), claimant(busy, true)];
      expect(await share(machines, { ...idle, cores })).toEqual([10, 0]);
    }
  });

  test("an idle foreground leaves the rest of its time", async () => {
    expect(await share([claimant(2), claimant(busy, true)], { ...idle, cores: 1 })).toEqual([2, 8]);
    expect(await share([claimant(0), claimant(busy, true)], { ...idle, cores: 1 })).toEqual([
      0, 10,
    ]);
  });

  test("without a foreground it has the host for itself", async () => {
    expect(await share([claimant(busy, true)], { ...idle, cores: 1 })).toEqual([10]);
  });
});

describe("the background waits until the foreground has halted for the preemption interval", () => {
  const idletime = { policy: "idletime", quantumMs: QUANTUM_MS } as const;

  test("a busy foreground leaves nothing, however many processors there are", async () => {
    for (const cores of [1, 2, 4] as const) {
      const machines = [claimant(busy), claimant(busy, true)];
      expect(await share(machines, { ...idletime, cores })).toEqual([10, 0]);
    }
  });

  test("an idle foreground leaves the rest of its time but for the interval", async () => {
    const machines = [claimant(3), claimant(busy, true)];
    expect(await share(machines, { ...idletime, cores: 1 })).toEqual([3, 5]);
    expect(await share([claimant(9), claimant(busy, true)], idletime)).toEqual([9, 0]);
  });

  test("the foreground that leaves least decides", async () => {
    const machines = [claimant(1), claimant(4), claimant(busy, true)];
    expect(await share(machines, { ...idletime, cores: 2 })).toEqual([1, 4, 4]);
  });

  test("without a foreground it has the host for itself", async () => {
    expect(await share([claimant(busy, true)], { ...idletime, cores: 1 })).toEqual([10]);
  });
});

describe("whatever the machines want", () => {
  const hosts = fc.record({
    cores: fc.constantFrom(1 as const, 2 as const, 4 as const),
    policy: fc.constantFrom("fair" as const, "background-idle" as const, "idletime" as const),
    quantumMs: fc.integer({ min: 1, max: 100 }),
  });
  const wishes = fc.array(
    fc.record({ part: fc.double({ min: 0, max: 1, noNaN: true }), background: fc.boolean() }),
    { maxLength: 6 },
  );
  // Shares are rounded down to whole nanoseconds, and less than a microsecond is not given out.
  const tolerance = 0.01;

  test("no more is granted than the host has, and no machine gets more than a processor", async () => {
    await fc.assert(
      fc.asyncProperty(hosts, wishes, async (host, parts) => {
        const machines = parts.map(({ part, background }) =>
          claimant(part * host.quantumMs, background),
        );
        const used = await share(machines, host);
        const sum = used.reduce((total, each) => total + each, 0);
        expect(sum).toBeLessThanOrEqual(host.cores * host.quantumMs + tolerance);
        expect(Math.max(0, ...used)).toBeLessThanOrEqual(host.quantumMs);
      }),
    );
  });

  test("the foreground gets under idletime at least what it gets under fair, whatever the background wants", async () => {
    await fc.assert(
      fc.asyncProperty(hosts, wishes, async (host, parts) => {
        const sharesBy = async (policy: HostConfig["policy"]) => {
          const machines = parts.map(({ part, background }) =>
            claimant(part * host.quantumMs, background),
          );
          return share(machines, { ...host, policy });
        };
        const [fairly, idly] = [await sharesBy("fair"), await sharesBy("idletime")];
        for (const [index, { background }] of parts.entries()) {
          if (background) continue;
          expect(idly[index]).toBeGreaterThan((fairly[index] ?? 0) - tolerance);
        }
      }),
    );
  });

  test("fair shares waste nothing, and nobody gets less than another who got enough", async () => {
    await fc.assert(
      fc.asyncProperty(hosts, wishes, async (host, parts) => {
        const machines = parts.map(({ part }) => claimant(part * host.quantumMs));
        const used = await share(machines, { ...host, policy: "fair" });
        const sum = used.reduce((total, each) => total + each, 0);
        const wanted = machines.reduce((total, { wantsMs }) => total + wantsMs, 0);
        expect(sum).toBeGreaterThan(Math.min(wanted, host.cores * host.quantumMs) - tolerance);
        const greatest = Math.max(0, ...used);
        for (const { wantsMs, usedMs } of machines) {
          expect(usedMs).toBeGreaterThan(Math.min(wantsMs, greatest) - tolerance);
        }
      }),
    );
  });
});

test("what is left of a quantum to the background is a whole number of nanoseconds", async () => {
  const machines = [claimant(1.6666666673930626e-7 * 9), claimant(0.8888886666666667 * 9, true)];
  expect(await share(machines, { policy: "idletime", cores: 4, quantumMs: 9 })).toEqual([0, 8]);
});

test("when a machine dies, the others have ended their turn before it is told", async () => {
  let turns = 0;
  const dying: Runnable = {
    background: false,
    run: () => Promise.reject(new Error("it died")),
    leftMs: () => 0,
  };
  const slow: Runnable = {
    background: false,
    async run(budgetMs) {
      for (let i = 0; i < 10; i++) await Promise.resolve();
      turns++;
      return budgetMs;
    },
    leftMs: () => 0,
  };
  const quantum = runQuantum([dying, slow], { ...DEFAULT_HOST, ...fair, cores: 2 }, 10);
  await expect(quantum).rejects.toThrow("it died");
  expect(turns).toBe(1);
});

test("a host without processors, or with a quantum that is no whole number, is no host", () => {
  expect(hostConfigSchema.parse(DEFAULT_HOST)).toEqual(DEFAULT_HOST);
  for (const wrong of [
    { cores: 0 },
    { cores: 3 },
    { quantumMs: 1.1 },
    { policy: "lottery" },
    { preemptionIntervalMs: -1 },
    { disk: { bytesPerMs: 0, requestMs: 0 } },
  ]) {
    expect(hostConfigSchema.safeParse({ ...DEFAULT_HOST, ...wrong }).success).toBe(false);
  }
});
