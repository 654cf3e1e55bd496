import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { virtualMs } from "../../src/clock/virtual-time.js";
import { DEFAULT_HOST, type HostConfig } from "../../src/host/config.js";
import { createHost, type Host } from "../../src/host/host.js";
import { type Console, openConsole } from "../../src/machine/console.js";
import type { Machine } from "../../src/machine/machine.js";
import { openTwoMachines, type TwoMachines } from "./two-machines.js";

/** A disk of 20 MB/s. */
const DISK = { bytesPerMs: 20_000, requestMs: 0.1 };
/** Reads four megabytes that no cache holds, then says so. */
const READ = "echo 3 >/proc/sys/vm/drop_caches; dd if=/dev/sda of=/dev/null bs=64k count=64 2>&-";
const ONCE = `${READ}; echo 'do''ne'\n`;
const FOR_EVER = `while :; do ${READ}; done\n`;

let vms: TwoMachines;

beforeAll(async () => {
  vms = await openTwoMachines();
});
beforeEach(() => vms.rewind());
afterAll(() => vms.dispose());

/** How long the original VM takes to read, in ms, beside a reboot-dedicated VM that does `beside`. */
async function timeToRead(config: Partial<HostConfig>, beside: string | null): Promise<number> {
  const host = createHost({ ...DEFAULT_HOST, ...config });
  host.add({ machine: vms.original, background: false });
  if (beside !== null) {
    host.add({ machine: vms.dedicated, background: true });
    await consoleOf(host, vms.dedicated).type(beside);
  }
  const console = consoleOf(host, vms.original);
  await console.type(ONCE);
  const { atMs } = await console.expect(/^done\n/m, { withinMs: 5000, what: "the end of dd" });
  return host.hostTime(vms.original, atMs);
}

function consoleOf(host: Host, machine: Machine): Console {
  return openConsole(machine, 0, (until) => host.advanceTo(host.hostTime(machine, until)));
}

describe("a disk that takes its time", () => {
  test("takes at least as long as its bytes do, and no time if it is not limited", async () => {
    const unlimited = await timeToRead({}, null);
    await vms.original.restoreSnapshot(vms.shell);
    const limited = await timeToRead({ disk: DISK }, null);
    expect(limited - unlimited).toBeGreaterThan(150);
    expect(limited - unlimited).toBeLessThan(400);
  });

  test("is shared with the background under fair, and not under idletime", async () => {
    const alone = await timeToRead({ disk: DISK }, null);
    await vms.original.restoreSnapshot(vms.shell);
    const fairly = await timeToRead({ disk: DISK, policy: "fair" }, FOR_EVER);
    await vms.rewind();
    const idly = await timeToRead({ disk: DISK, policy: "idletime" }, FOR_EVER);
    expect(fairly).toBeGreaterThan(1.5 * alone);
    expect(idly).toBeLessThan(1.1 * alone);
  });

  test("gives the same bits in the same experiment", async () => {
    const outcome = async () => {
      const machine = await vms.guest.startMachine("fresh");
      await machine.restoreSnapshot(vms.shell);
      const host = createHost({ ...DEFAULT_HOST, disk: DISK, quantumMs: 5 });
      host.add({ machine, background: false });
      const console = consoleOf(host, machine);
      await console.type(ONCE);
      const { atMs } = await console.expect(/^done\n/m, { withinMs: 5000, what: "the end of dd" });
      const hash = await machine.memorySha256();
      await machine.dispose();
      return { atMs, hash };
    };
    expect(await outcome()).toEqual(await outcome());
  });

  test("lets no request be lost when a state is taken in the middle of one", async () => {
    const host = createHost({ ...DEFAULT_HOST, disk: DISK });
    host.add({ machine: vms.original, background: false });
    const console = consoleOf(host, vms.original);
    await console.type(ONCE);
    for (let ms = 50; ms < 190; ms += 7) {
      await host.advanceTo(virtualMs(ms));
      const state = await vms.original.takeSnapshot();
      await vms.original.restoreSnapshot(state);
    }
    const { match } = await console.expect(/^done\n/m, {
      withinMs: 5000,
      what: "the end of dd",
    });
    expect(match[0]).toBe("done\n");
  });
});
