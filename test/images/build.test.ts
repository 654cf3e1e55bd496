import { beforeAll, describe, expect, test } from "vitest";
import { type BuiltGuest, loadGuest, verifyGuest } from "../../src/images/build.js";
import { sha256 } from "../../src/images/sha256.js";
import { openConsole } from "../../src/machine/console.js";
import type { Machine } from "../../src/machine/machine.js";
import { type Cache, openCache } from "../../src/node/cache.js";
import { startMachine } from "../../src/node/start-machine.js";

let cache: Cache;
let guest: BuiltGuest;
beforeAll(async () => {
  cache = await openCache();
  guest = await loadGuest("busybox", { cache, progress: () => undefined });
});

test("a guest's disks are those of its recipe, byte by byte", () => {
  const { system, home } = guest.recipe.disks;
  expect(guest.disks.map(({ base }) => [base.length, sha256(base)])).toEqual([
    [system.megabytes << 20, system.sha256],
    [home.megabytes << 20, home.sha256],
  ]);
});

test("the cache holds the guest and its packages, checked against the archive", async () => {
  const { items, checks } = await verifyGuest("busybox", cache);
  expect(items.filter(({ state }) => state !== "good")).toEqual([]);
  const names = items.map(({ name }) => name);
  expect(names).toEqual(expect.arrayContaining(["system disk", "home disk"]));
  expect(checks?.[0]?.signedBy.length).toBeGreaterThan(0);
});

describe("the guest's attendant", () => {
  /** Boots the guest; the machine is switched off when the test ends. */
  async function boot(onBoot: (machine: Machine) => Promise<void>): Promise<Machine> {
    const machine = await startMachine({
      name: "busybox",
      memoryBytes: guest.recipe.memoryMegabytes << 20,
      bios: guest.bios,
      vgaBios: guest.vgaBios,
      boot: { from: "disk" },
      disks: guest.disks,
      seed: 1,
      epochMs: Date.UTC(2026, 10, 1),
    });
    await onBoot(machine);
    const console = openConsole(machine, 0);
    for (const { name, until } of guest.recipe.bootPhases) {
      await console.expect(new RegExp(until), { withinMs: 30_000, what: `the end of ${name}` });
    }
    return machine;
  }

  test("answers what it is asked, survives garbage, and mounts /home when its disk comes", async () => {
    const machine = await boot((booting) => booting.withholdDisk(1));
    try {
      const line = openConsole(machine, 1);
      const ask = async (request: string) => {
        const asked = machine.now();
        await line.type(`${request}\n`);
        const { match, atMs } = await line.expect(/(.*)\n/, { withinMs: 5000, what: request });
        return { answer: match[1], tookMs: atMs - asked };
      };
      expect((await ask("ping 0")).answer).toBe("pong 0");
      const { answer, tookMs } = await ask("ping 17");
      expect(answer).toBe("pong 17");
      expect(tookMs).toBeLessThan(0.5);
      expect((await ask("kernel")).answer).toBe(`kernel ${guest.recipe.kernels[0]?.release ?? ""}`);
      expect((await ask("\u0003\u0004\u001a\u0011\u0013\u0015 $(reboot) `x` * \\")).answer).toBe(
        "unknown",
      );
      expect((await ask("x".repeat(6000))).answer).toBe("unknown");

      expect((await ask("freeze")).answer).toBe("failed /home is not mounted");
      expect((await ask("attach")).answer).toMatch(/^failed mount: mounting \/dev\/sdb/);
      await machine.attachDisk(1, {
        pageCount: (guest.disks[1]?.base.length ?? 0) / 4096,
        numbers: new Uint32Array(),
        data: new Uint8Array(),
      });
      expect((await ask("attach")).answer).toBe("attached");
      expect((await ask("attach")).answer).toBe("attached");
      expect((await ask("freeze")).answer).toBe("frozen");
      expect((await ask("freeze")).answer).toMatch(/^failed /);
      expect((await ask("thaw")).answer).toBe("thawed");
      expect((await ask("ping 18")).answer).toBe("pong 18");
    } finally {
      await machine.dispose();
    }
  });
});
