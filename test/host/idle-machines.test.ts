import { afterAll, beforeAll, expect, test } from "vitest";
import { virtualMs } from "../../src/clock/virtual-time.js";
import { DEFAULT_HOST, type HostConfig } from "../../src/host/config.js";
import { createHost } from "../../src/host/host.js";
import { startProbe } from "../../src/reboot/probe.js";
import { placeVm } from "../../src/reboot/vm.js";
import { openTwoMachines, type TwoMachines } from "./two-machines.js";

/** Work of the user that comes in bursts of some 40 ms of processor time. */
const BURSTS =
  "while usleep 30000; do i=0; while [ $i -lt 1500 ]; do i=$((i+1)); done; done >/dev/null 2>&1 &\n";
/** Counts the background's rounds, each of some 25 ms of processor time. */
const ROUNDS = "while :; do i=0; while [ $i -lt 1000 ]; do i=$((i+1)); done; echo round; done\n";

/** One processor that is handed on every 20 ms, as operating systems do. */
const HOST = { ...DEFAULT_HOST, cores: 1, quantumMs: 20 } as const;
const SPAN_MS = 1500;

let vms: TwoMachines;

beforeAll(async () => {
  vms = await openTwoMachines();
});
afterAll(() => vms.dispose());

/** How long the original VM takes to answer, in ms, ascending; and what the background has done meanwhile. */
async function observe(config: Partial<HostConfig>, work: { user: string; background: string }) {
  await vms.rewind();
  const host = createHost({ ...HOST, ...config });
  const vm = placeVm(host, "original", vms.original);
  const fork = placeVm(host, "reboot-dedicated", vms.dedicated);
  const probe = startProbe(host, vm);
  await vm.console.type(work.user);
  await fork.console.type(work.background);
  await host.advanceTo(virtualMs(SPAN_MS));
  const latencies = probe
    .answers()
    .flatMap(({ sentMs, answeredMs }) => (answeredMs === null ? [] : [answeredMs - sentMs]))
    .sort((a, b) => a - b);
  const rounds = fork.console.unread().split("\nround").length - 1;
  vm.console.close();
  fork.console.close();
  const p95 = latencies[Math.floor(latencies.length * 0.95)] ?? NaN;
  const mean = latencies.reduce((sum, each) => sum + each, 0) / latencies.length;
  return { mean, p95, rounds };
}

test("the original VM is disturbed less under idletime than under fair, and the background goes on all the same", async () => {
  const work = { user: BURSTS, background: ROUNDS };
  const fair = await observe({ policy: "fair" }, work);
  const idle = await observe({ policy: "idletime" }, work);
  const alone = await observe({ policy: "idletime" }, { user: BURSTS, background: "\n" });
  const found = JSON.stringify({ fair, idle, alone });
  expect(idle.mean, found).toBeLessThan(fair.mean / 1.5);
  expect(idle.p95, found).toBeLessThan(fair.p95 / 1.5);
  expect(idle.mean, found).toBeLessThan(alone.mean * 1.1);
  expect(idle.rounds, found).toBeGreaterThan(2);
});

test("an interval that is longer than the pauses of the original VM leaves the background nothing", async () => {
  const work = { user: "\n", background: ROUNDS };
  const patient = await observe({ policy: "idletime", preemptionIntervalMs: 15 }, work);
  const quick = await observe({ policy: "idletime", preemptionIntervalMs: 1 }, work);
  expect(patient.rounds).toBe(0);
  expect(quick.rounds).toBeGreaterThan(20);
});
