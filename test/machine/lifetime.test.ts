import { afterAll, beforeAll, expect, test } from "vitest";
import { after, virtualMs } from "../../src/clock/virtual-time.js";
import type { PreparedGuest } from "../../src/experiment/prepared-guest.js";
import { MachineDied, MachineError } from "../../src/machine/errors.js";
import { type MachineWorker, powerOnMachine } from "../../src/machine/machine.js";
import { busybox } from "../support/busybox.js";

let guest: PreparedGuest;
let handlesBefore: string[];

const handles = () =>
  process
    .getActiveResourcesInfo()
    .filter((name) => name !== "Timeout")
    .sort();

beforeAll(async () => {
  guest = await busybox();
  handlesBefore = handles();
});
afterAll(() => {
  expect(handles()).toEqual(handlesBefore);
});

test("machines that are switched off leave nothing behind", async () => {
  for (let i = 0; i < 3; i++) {
    const machines = await Promise.all([guest.startMachine("one"), guest.startMachine("two")]);
    expect(handles()).not.toEqual(handlesBefore);
    for (const machine of machines) await machine.dispose();
    expect(handles()).toEqual(handlesBefore);
  }
});

test("a machine that is switched off at work ends its calls, and may be switched off twice", async () => {
  const machine = await guest.startMachine("busy");
  const run = machine.run({ until: virtualMs(3600_000) });
  const screen = machine.screen();
  const disposed = machine.dispose();
  await expect(run).rejects.toThrow(MachineDied);
  await expect(screen).rejects.toThrow('The machine "busy" died at 0.000 ms: it was switched off');
  await disposed;
  await machine.dispose();
  await expect(machine.step()).rejects.toThrow(MachineDied);
});

test("a machine whose worker ends is dead, with the last moment of its clock", async () => {
  let end: (reason: string) => void = () => undefined;
  const real = await guest.startMachine("real");
  let listener: (message: unknown) => void = () => undefined;
  // A worker that switches a machine on, and then never answers again.
  const worker: MachineWorker = {
    port: {
      post(message) {
        const { id, name } = message as { id: number; name: string };
        if (name === "powerOn") listener({ id, value: undefined });
      },
      listen(given) {
        listener = given;
      },
    },
    onEnd(given) {
      end = given;
    },
    terminate: () => Promise.resolve(),
  };
  const { config, emulator } = real;
  const parts = { name: "lost", config, bios: new Uint8Array(), vgaBios: new Uint8Array() };
  const machine = await powerOnMachine(
    worker,
    { ...parts, wasm: emptyModule(), linux: null, diskBases: [] },
    emulator,
  );
  const open = [machine.run({ until: virtualMs(10) }), machine.screen()];
  end("it ran out of memory");
  for (const call of open) {
    await expect(call).rejects.toThrow(MachineDied);
    await expect(call).rejects.toThrow('"lost" died at 0.000 ms: it ran out of memory');
  }
  await expect(machine.capture()).rejects.toThrow(MachineDied);

  const { now } = await real.run({ until: after(real.now(), 10) });
  expect(now).toBeGreaterThanOrEqual(10);
  await real.dispose();
});

test("a disk that a machine does not have is refused by name", async () => {
  const machine = await guest.startMachine("whole");
  await expect(machine.diskOverlay(2)).rejects.toThrow(MachineError);
  await expect(machine.diskOverlay(2)).rejects.toThrow('The machine "whole" has no disk 2.');
  await machine.dispose();
});

/** The smallest module: magic number and version. */
function emptyModule(): WebAssembly.Module {
  return new WebAssembly.Module(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0));
}
