import { afterAll, beforeAll, expect, test } from "vitest";
import { kernelGuest, READY } from "../../src/bench/kernel-guest.js";
import { openConsole } from "../../src/machine/console.js";
import { MachineDied, MachineError } from "../../src/machine/errors.js";
import type { Machine } from "../../src/machine/machine.js";
import { type MachineParts, startMachine } from "../../src/node/start-machine.js";
import { workerCount } from "../support/workers.js";

const MIB = 2 ** 20;

let parts: MachineParts;
let machine: Machine | null = null;

beforeAll(async () => {
  parts = { name: "diskless", memoryBytes: 80 * MIB, ...(await kernelGuest()) };
});
afterAll(() => machine?.dispose());

test("what cannot be started is refused before anything starts, and leaves nothing behind", async () => {
  const threads = workerCount();
  const { boot } = parts;
  if (boot.from !== "kernel") throw new Error("this guest has no disks");
  const attempts: [Partial<MachineParts>, RegExp][] = [
    [{ boot: { ...boot, kernel: boot.initrd } }, /not a bzImage/],
    [
      { boot: { ...boot, initrd: new Uint8Array(17 * MIB) } },
      /more than 81 MiB of memory; it has 80/,
    ],
    [{ memoryBytes: 64 * MIB }, /more than 66 MiB of memory; it has 64/],
  ];
  for (const [wrong, words] of attempts) {
    const started = startMachine({ ...parts, ...wrong });
    await expect(started).rejects.toThrow(MachineError);
    await expect(started).rejects.toThrow(words);
  }
  expect(workerCount()).toBe(threads);
});

test("a guest without a disk boots, reboots, and when it dies, it dies alone", async () => {
  const bystander = await startMachine({ ...parts, name: "bystander" });
  machine = await startMachine(parts);
  const console = openConsole(machine, 0);
  const booted = { withinMs: 60_000, what: "the end of the boot" };
  await console.expect(READY, booted);
  await console.type("echo $((6 * 7))\n");
  await console.expect(/^42\n/m, { withinMs: 2000, what: "an answer" });

  await console.type("/bin/busybox reboot -f\n");
  await console.expect(READY, booted);
  await console.type("echo $((7 * 7))\n");
  await console.expect(/^49\n/m, { withinMs: 2000, what: "an answer" });

  // Where the kernel lies. The processor finds no handler for the faults of its handlers.
  await machine.writeMemory(16 * MIB, new Uint8Array(16 * MIB).fill(0xff));
  const end = console.expect(/never/, { withinMs: 10_000, what: "its end" });
  await expect(end).rejects.toThrow(MachineDied);
  await expect(end).rejects.toThrow(/^The machine "diskless" died at \d+\.\d{3} ms: .*panicked/);
  await expect(machine.screen()).rejects.toThrow(MachineDied);
  await machine.dispose();
  await machine.dispose();

  const { now } = await bystander.run({ until: machine.now() });
  expect(now).toBeGreaterThanOrEqual(machine.now());
  await bystander.dispose();
});
