import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { after, virtualMs, type VirtualMs } from "../../src/clock/virtual-time.js";
import { DEFAULT_HOST, type HostConfig } from "../../src/host/config.js";
import { createHost, type Host, type Usage } from "../../src/host/host.js";
import { openConsole } from "../../src/machine/console.js";
import { MachineDied } from "../../src/machine/errors.js";
import type { Machine } from "../../src/machine/machine.js";
import { openTwoMachines, type TwoMachines } from "./two-machines.js";

/** A turn, in ms, and what it may take longer. */
const TURN_MS = 0.22;

/** Keeps a processor busy for some 100 ms, then says so. */
const WORK = "i=0; while [ $i -lt 4000 ]; do i=$((i+1)); done; echo 'do''ne'\n";
const BUSY_FOR_EVER = "while :; do :; done\n";

let vms: TwoMachines;
/** How long WORK takes on a host of its own. */
let aloneMs: number;

beforeAll(async () => {
  vms = await openTwoMachines();
  const host = createHost(DEFAULT_HOST);
  host.add({ machine: vms.dedicated, background: true });
  aloneMs = await timeOf(host, vms.dedicated, WORK);
});
beforeEach(() => vms.rewind());
afterAll(() => vms.dispose());

function hostOf(config: Partial<HostConfig>): Host {
  const host = createHost({ ...DEFAULT_HOST, ...config });
  host.add({ machine: vms.original, background: false });
  host.add({ machine: vms.dedicated, background: true });
  return host;
}

function type(machine: Machine, text: string): Promise<void> {
  const bytes = new TextEncoder().encode(text);
  return machine.send({ atMs: machine.now(), line: 0, bytes, ifRead: false });
}

/** Host time from typing a command to the end of its work. */
async function timeOf(host: Host, machine: Machine, command: string): Promise<number> {
  const console = openConsole(machine, 0, (until) => host.advanceTo(host.hostTime(machine, until)));
  const start = host.now();
  await console.type(command);
  const { atMs } = await console.expect(/^done\n/m, {
    withinMs: 2000,
    what: "the end of the work",
  });
  console.close();
  return host.hostTime(machine, atMs) - start;
}

describe("machines on a host", () => {
  test("advance in lockstep, whether they are busy or not", async () => {
    const host = hostOf({ cores: 1, quantumMs: 10 });
    await type(vms.original, BUSY_FOR_EVER);
    const ends: VirtualMs[] = [];
    host.beforeQuantum((end) => Promise.resolve(void ends.push(end)));
    for (const moment of [35, 90, 90.5]) {
      await host.advanceTo(virtualMs(moment));
      expect(host.now()).toBe(moment);
      for (const machine of [vms.original, vms.dedicated]) {
        const late = host.hostTime(machine, machine.now()) - moment;
        expect(late).toBeGreaterThanOrEqual(0);
        expect(late).toBeLessThan(TURN_MS);
      }
    }
    expect(ends).toEqual([10, 20, 30, 35, 40, 50, 60, 70, 80, 90, 90.5]);
  });

  test("have clocks of their own", async () => {
    await vms.original.stall(after(vms.original.now(), 500));
    const host = hostOf({});
    const moment = host.machineTime(vms.original, virtualMs(20));
    expect(moment).toBe(after(vms.original.now(), 20));
    expect(host.hostTime(vms.original, moment)).toBe(20);
    await host.advanceTo(virtualMs(20));
    expect(vms.original.now() - vms.dedicated.now()).toBeCloseTo(500, 0);
  });

  test("compute the same bits in the same experiment", async () => {
    const outcome = async () => {
      const [one, two] = [await vms.guest.startMachine("one"), await vms.guest.startMachine("two")];
      await Promise.all([one.restoreSnapshot(vms.shell), two.restoreSnapshot(vms.shell)]);
      const host = createHost({ ...DEFAULT_HOST, cores: 1, quantumMs: 5 });
      host.add({ machine: one, background: false });
      host.add({ machine: two, background: true });
      await type(one, BUSY_FOR_EVER);
      const doneMs = await timeOf(host, two, WORK);
      const hashes = [await one.memorySha256(), await two.memorySha256()];
      await one.dispose();
      await two.dispose();
      return { doneMs, hashes, now: [one.now(), two.now()] };
    };
    expect(await outcome()).toEqual(await outcome());
  });
});

describe("work in the background", () => {
  test("takes no longer beside a guest that halts, under either policy", async () => {
    for (const policy of ["fair", "background-idle"] as const) {
      await vms.dedicated.restoreSnapshot(vms.shell);
      const tookMs = await timeOf(hostOf({ cores: 1, policy }), vms.dedicated, WORK);
      expect(tookMs / aloneMs).toBeGreaterThan(0.9);
      expect(tookMs / aloneMs).toBeLessThan(1.2);
    }
  });

  test("takes twice as long beside a busy guest when one processor is shared fairly", async () => {
    const host = hostOf({ cores: 1, policy: "fair" });
    await type(vms.original, BUSY_FOR_EVER);
    await host.advanceTo(virtualMs(50));
    const tookMs = await timeOf(host, vms.dedicated, WORK);
    expect(tookMs / aloneMs).toBeGreaterThan(1.6);
    expect(tookMs / aloneMs).toBeLessThan(2.4);
  });

  test("takes no longer beside a busy guest when there are two processors", async () => {
    const host = hostOf({ cores: 2, policy: "fair" });
    await type(vms.original, BUSY_FOR_EVER);
    await host.advanceTo(virtualMs(50));
    expect((await timeOf(host, vms.dedicated, WORK)) / aloneMs).toBeLessThan(1.2);
  });

  test("waits until the original VM halts, if it may only run then", async () => {
    const host = hostOf({ cores: 2, policy: "background-idle" });
    await type(vms.original, BUSY_FOR_EVER);
    await host.advanceTo(virtualMs(50));
    const heard: string[] = [];
    const close = vms.dedicated.onOutput(({ bytes }) => heard.push(Buffer.from(bytes).toString()));
    await type(vms.dedicated, WORK);
    await host.advanceTo(virtualMs(300));
    expect(heard.join("")).toBe("");
    await type(vms.original, "\x03");
    await host.advanceTo(virtualMs(300 + 2 * aloneMs));
    expect(heard.join("")).toMatch(/\ndone\r\n/);
    close();
  });
});

describe("the time of a machine on the host", () => {
  /** What both had of 300 ms in which the original VM works and the other one is busy. */
  async function usageOf(work: string, config: Partial<HostConfig>) {
    await vms.rewind();
    const host = hostOf({ cores: 1, ...config });
    await type(vms.original, work);
    await type(vms.dedicated, BUSY_FOR_EVER);
    await host.advanceTo(virtualMs(50));
    const before = [host.usage(vms.original), host.usage(vms.dedicated)] as const;
    await host.advanceTo(virtualMs(350));
    const had = (machine: Machine, { ranMs, waitedMs }: Usage): Usage => ({
      ranMs: host.usage(machine).ranMs - ranMs,
      waitedMs: host.usage(machine).waitedMs - waitedMs,
    });
    return { original: had(vms.original, before[0]), dedicated: had(vms.dedicated, before[1]) };
  }

  test("is that in which it ran, and that in which it waited for a processor", async () => {
    const fair = await usageOf(BUSY_FOR_EVER, { policy: "fair" });
    for (const { ranMs, waitedMs } of Object.values(fair)) {
      expect(Math.abs(ranMs + waitedMs - 300)).toBeLessThan(2 * TURN_MS);
      expect(Math.abs(ranMs - 150)).toBeLessThan(10);
    }
    const idle = await usageOf(BUSY_FOR_EVER, { policy: "background-idle" });
    expect(idle.original.waitedMs).toBeLessThan(TURN_MS);
    expect(idle.dedicated.ranMs).toBe(0);
    const many = await usageOf(BUSY_FOR_EVER, { policy: "fair", cores: 2 });
    expect(many.original.waitedMs).toBeLessThan(TURN_MS);
  });

  test("is shortened by each switch back to it, which a preemption interval avoids in short pauses", async () => {
    const bursts = "while usleep 1500; do i=0; while [ $i -lt 50 ]; do i=$((i+1)); done; done\n";
    const costs = { ...DEFAULT_HOST.costs, switchMs: 0.5 };
    const waits = async (config: Partial<HostConfig>) =>
      (await usageOf(bursts, { policy: "idletime", costs, ...config })).original.waitedMs;
    const eager = await waits({ preemptionIntervalMs: 0 });
    expect(eager).toBeGreaterThan(20);
    expect(await waits({ preemptionIntervalMs: 2 })).toBeLessThan(eager / 4);
    expect(await waits({ preemptionIntervalMs: 0, cores: 2 })).toBeLessThan(1);
    expect(await waits({ preemptionIntervalMs: 0, costs: DEFAULT_HOST.costs })).toBeLessThan(1);
  });
});

describe("the VMM", () => {
  test("keeps a machine that it works on from running; time passes for it all the same", async () => {
    const host = hostOf({});
    await type(vms.original, "echo 'he''re'\n");
    await type(vms.dedicated, "echo 'he''re'\n");
    const heard: string[] = [];
    const close = vms.original.onOutput(() => heard.push("original"));
    const closeOther = vms.dedicated.onOutput(() => heard.push("dedicated"));
    const before = vms.original.now();
    await host.occupy(vms.original, 33.3);
    expect(host.now()).toBe(33.3);
    expect(vms.original.now()).toBe(after(before, 33.3));
    expect(new Set(heard)).toEqual(new Set(["dedicated"]));
    await host.advanceTo(virtualMs(60));
    expect(new Set(heard)).toEqual(new Set(["dedicated", "original"]));
    close();
    closeOther();
  });

  test("holds a machine until it is released", async () => {
    const host = hostOf({});
    await type(vms.original, "echo 'he''re'\n");
    let heard = 0;
    const close = vms.original.onOutput(() => heard++);
    host.hold(vms.original);
    await host.advanceTo(virtualMs(200));
    expect(heard).toBe(0);
    host.release(vms.original);
    await host.advanceTo(virtualMs(300));
    expect(heard).toBeGreaterThan(0);
    close();
  });

  test("pays for memory by its bandwidth", () => {
    const costs = { ...DEFAULT_HOST.costs, memoryBytesPerMs: 1000 };
    expect(createHost({ ...DEFAULT_HOST, costs }).memoryCost(2500)).toBe(2.5);
  });

  test("goes on with the others when one has died and was removed", async () => {
    const doomed = await vms.guest.startMachine("doomed");
    const host = hostOf({});
    host.add({ machine: doomed, background: true });
    await host.advanceTo(virtualMs(10));
    await doomed.dispose();
    await expect(host.advanceTo(virtualMs(50))).rejects.toThrow(MachineDied);
    host.remove(doomed);
    await host.advanceTo(virtualMs(50));
    expect(host.hostTime(vms.original, vms.original.now())).toBeGreaterThanOrEqual(50);
    expect(() => host.hostTime(doomed, virtualMs(0))).toThrow('"doomed" is not on this host');
  });
});
