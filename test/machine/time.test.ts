import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { after, virtualMs } from "../../src/clock/virtual-time.js";
import type { PreparedGuest } from "../../src/experiment/prepared-guest.js";
import type { Machine } from "../../src/machine/machine.js";
import { INSTRUCTIONS_PER_TURN } from "../../src/machine/v86-wasm.js";
import { NS_PER_INSTRUCTION } from "../../src/node/start-machine.js";
import type { Snapshot } from "../../src/storage/snapshot.js";
import { bootedMachine, sh } from "./booted-machine.js";

/** A turn of the guest ends a few instructions late: v86 looks only between pieces of compiled code. */
const TURN_MS = ((INSTRUCTIONS_PER_TURN + 10_000) * NS_PER_INSTRUCTION) / 1e6;

const BUSY_FOR_EVER = "while :; do :; done\n";

let guest: PreparedGuest;
let machine: Machine;
let shell: Snapshot;

beforeAll(async () => {
  ({ guest, machine, shell } = await bootedMachine());
});
beforeEach(() => machine.restoreSnapshot(shell));
afterAll(() => machine.dispose());

function type(text: string, into = machine): Promise<void> {
  const bytes = new TextEncoder().encode(text);
  return into.send({ atMs: into.now(), line: 0, bytes, ifRead: false });
}

describe("the same start", () => {
  test("gives the same bits in every machine, and however its time is cut", async () => {
    const work = "i=0; while [ $i -lt 400 ]; do i=$((i+1)); done; date; sleep 0.05; echo $i\n";

    async function runInPieces(pieceMs: number) {
      const subject = await guest.startMachine(`in pieces of ${pieceMs} ms`);
      let text = "";
      subject.onOutput(({ bytes }) => (text += Buffer.from(bytes).toString()));
      await subject.restoreSnapshot(shell);
      await type(work, subject);
      const end = after(subject.now(), 250);
      while (subject.now() < end) {
        await subject.run({ until: virtualMs(Math.min(end, subject.now() + pieceMs)) });
      }
      const memory = await subject.memorySha256();
      await subject.dispose();
      return { text, memory, now: subject.now() };
    }

    const [whole, ...others] = await Promise.all([250, 10, 0.37].map(runInPieces));
    expect(whole?.text).toMatch(/2026[^]*\n400\r\n/);
    for (const other of others) expect(other).toEqual(whole);
  });
});

describe("a pause", () => {
  test("is exact while the guest halts", async () => {
    await machine.run({ until: after(machine.now(), 50) });
    const until = after(machine.now(), 1.234567);
    const { now, halted } = await machine.run({ until });
    expect({ now, halted }).toEqual({ now: until, halted: true });
  });

  test("comes at most one turn late while the guest is busy", async () => {
    await type(BUSY_FOR_EVER);
    await machine.run({ until: after(machine.now(), 50) });
    for (const spanMs of [0.05, 1, 3.7]) {
      const until = after(machine.now(), spanMs);
      const { now, halted, busyMs } = await machine.run({ until });
      expect(halted).toBe(false);
      expect(now).toBeGreaterThanOrEqual(until);
      expect(now - until).toBeLessThan(TURN_MS);
      expect(busyMs).toBeGreaterThanOrEqual(spanMs);
    }
  });

  test("comes when the guest has used the processor time that it was granted", async () => {
    await type(BUSY_FOR_EVER);
    await machine.run({ until: after(machine.now(), 50) });
    const start = machine.now();
    const { now, busyMs } = await machine.run({ until: after(start, 100), busyMs: 5 });
    expect(busyMs).toBeGreaterThanOrEqual(5);
    expect(busyMs).toBeLessThan(5 + TURN_MS);
    expect(now).toBeLessThan(after(start, 10));
  });

  test("a moment that is past lets no time pass", async () => {
    const start = machine.now();
    const { now, busyMs } = await machine.run({ until: after(start, -5) });
    expect({ now, busyMs }).toEqual({ now: start, busyMs: 0 });
  });
});

describe("a step", () => {
  test("of a busy guest is one turn", async () => {
    await type(BUSY_FOR_EVER);
    await machine.run({ until: after(machine.now(), 50) });
    const start = machine.now();
    const { now, busyMs, halted } = await machine.step();
    expect(halted).toBe(false);
    expect(busyMs * 1e6).toBeGreaterThanOrEqual(INSTRUCTIONS_PER_TURN * NS_PER_INSTRUCTION);
    expect(busyMs).toBeLessThan(TURN_MS);
    expect(now).toBe(after(start, busyMs));
  });

  test("of a guest that halts goes to its next timer", async () => {
    await machine.run({ until: after(machine.now(), 50) });
    const start = machine.now();
    const { now, busyMs } = await machine.step();
    expect(now).toBeGreaterThan(start);
    expect(busyMs).toBeLessThan(TURN_MS);
  });
});

describe("waking a guest that has halted", () => {
  // The guest's own clock wakes it every 4 ms.
  const halted = { afterMs: 3, ms: 0.5 };

  test("takes what it is said to cost, and nothing after a shorter halt", async () => {
    await machine.run({ until: after(machine.now(), 50) });
    const start = machine.now();
    const result = await machine.run({ until: after(start, 100), wakeCost: halted });
    expect(result.wakingMs).toBeGreaterThan(10);
    expect(result.wakingMs % halted.ms).toBe(0);
    const idleMs = result.idle.reduce((sum, { from, to }) => sum + to - from, 0);
    expect(result.busyMs + result.wakingMs + idleMs).toBeCloseTo(result.now - start, 6);

    const wakeCost = { ...halted, afterMs: 4.5 };
    const patient = await machine.run({ until: after(machine.now(), 100), wakeCost });
    expect(patient.wakingMs).toBe(0);
  });

  test("gives the same bits however time is cut", async () => {
    async function runInPieces(pieceMs: number) {
      const subject = await guest.startMachine(`in pieces of ${pieceMs} ms`);
      await subject.restoreSnapshot(shell);
      await type("for i in 1 2 3 4 5; do usleep 1000; date; usleep 7000; done\n", subject);
      const end = after(subject.now(), 200);
      let wakingMs = 0;
      while (subject.now() < end) {
        const until = virtualMs(Math.min(end, subject.now() + pieceMs));
        wakingMs += (await subject.run({ until, wakeCost: { afterMs: 2, ms: 0.5 } })).wakingMs;
      }
      const memory = await subject.memorySha256();
      await subject.dispose();
      return { wakingMs, memory, now: subject.now() };
    }

    const [whole, ...others] = await Promise.all([200, 10, 0.37].map(runInPieces));
    expect(whole?.wakingMs).toBeGreaterThan(5);
    for (const other of others) expect(other).toEqual(whole);
  });
});

describe("a stall", () => {
  test("lets time pass in which the guest does nothing", async () => {
    const uptime = async () => Number((await sh(machine, "cut -d' ' -f1 /proc/uptime")).trim());
    const before = { uptime: await uptime(), now: machine.now() };
    const until = after(machine.now(), 3000);
    await machine.stall(until);
    expect(machine.now()).toBe(until);
    // The guest's clock went on meanwhile, as when a laptop's lid was closed.
    const passed = (await uptime()) - before.uptime;
    expect(passed).toBeCloseTo((machine.now() - before.now) / 1000, 1);
  });
});
