import { createHash } from "node:crypto";
import { guestLogin, type PreparedGuest } from "../../src/experiment/prepared-guest.js";
import { after } from "../../src/clock/virtual-time.js";
import { openConsole } from "../../src/machine/console.js";
import { openCache } from "../../src/node/cache.js";
import { logIn, runCommand } from "../../src/reboot/vm.js";
import type { Snapshot } from "../../src/storage/snapshot.js";
import { decodeSnapshot, encodeSnapshot } from "../../src/storage/snapshot-file.js";

/** A guest before and after an update, each at the end of its boot. */
export interface TwoKernels {
  readonly guest: PreparedGuest;
  readonly before: Snapshot;
  readonly after: Snapshot;
}

/** Boots a guest into its update `kernel` once and keeps the snapshot in the cache. */
export async function twoKernels(guest: PreparedGuest): Promise<TwoKernels> {
  const { bootSnapshot: before, recipe } = guest;
  const update = recipe.updates.kernel;
  if (update === undefined) throw new Error(`${guest.name} has no update "kernel"`);
  const key = createHash("sha256")
    .update(JSON.stringify([before.config, before.emulator, before.clock, update]))
    .update(before.ram.data)
    .digest("hex")
    .slice(0, 16);
  const file = `snapshots/${guest.name}-updated-${key}.snapshot`;
  const cache = await openCache();
  const stored = await cache.read(file);
  if (stored !== null) return { guest, before, after: await decodeSnapshot(stored) };

  const machine = await guest.startMachine("update");
  try {
    await machine.restoreSnapshot(before);
    const terminal = { machine, console: openConsole(machine, 0) };
    await logIn(terminal, { login: guestLogin(recipe) });
    await runCommand(terminal, update.apply, 10_000);
    await terminal.console.type("reboot\n");
    for (const { name, until } of recipe.bootPhases) {
      await terminal.console.expect(new RegExp(until, "m"), { withinMs: 120_000, what: name });
    }
    await machine.run({ until: after(machine.now(), 1000) });
    const snapshot = await machine.takeSnapshot();
    await cache.write(file, await encodeSnapshot(snapshot, { comment: `${guest.name}, updated` }));
    return { guest, before, after: snapshot };
  } finally {
    await machine.dispose();
  }
}
