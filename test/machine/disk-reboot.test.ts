import { afterAll, beforeAll, expect, test } from "vitest";
import type { VirtualMs } from "../../src/clock/virtual-time.js";
import { guestProfile, type PreparedGuest } from "../../src/experiment/prepared-guest.js";
import { openConsole } from "../../src/machine/console.js";
import type { Machine } from "../../src/machine/machine.js";
import { logIn } from "../../src/reboot/vm.js";
import { bootedMachine, sh } from "./booted-machine.js";

let guest: PreparedGuest;
let machine: Machine;

beforeAll(async () => {
  ({ guest, machine } = await bootedMachine());
});
afterAll(() => machine.dispose());

test("a guest reboots from its disk; the disk of /home is withheld from then on until it is attached", async () => {
  await sh(machine, "echo kept >/root/note; echo kept >/home/note; sync; umount /home");
  const home = await machine.diskOverlay(1);
  const resets: VirtualMs[] = [];
  machine.onReset((atMs) => resets.push(atMs));
  await machine.withholdDiskAtReset(1);
  expect(await sh(machine, "mount /home && cat /home/note && umount /home")).toBe("kept");

  const asked = machine.now();
  const console = openConsole(machine, 0);
  await console.type("reboot\n");
  const profile = guestProfile(guest, "kernel");
  for (const { name, until } of profile.bootPhases) {
    await console.expect(until, { withinMs: 30_000, what: `the end of the phase ${name}` });
  }
  await logIn({ console, machine }, profile);
  console.close();

  expect(resets).toHaveLength(1);
  expect(resets[0]).toBeGreaterThan(asked);
  expect(resets[0]).toBeLessThan(machine.now());
  expect(await sh(machine, "cat /root/note; ls /home")).toBe("kept");
  expect(await sh(machine, "tr -d '\\0' </dev/sdb | wc -c")).toBe("0");
  await expect(machine.capture()).rejects.toThrow(/disk "home" of "tested" is withheld/);

  await machine.attachDisk(1, home);
  expect(await sh(machine, "blockdev --flushbufs /dev/sdb && mount /home && cat /home/note")).toBe(
    "kept",
  );
});
