import { type BuiltGuest, loadGuest } from "../images/build.js";
import type { BuildOptions } from "../images/progress.js";
import type { Recipe } from "../images/recipe.js";
import { composeUpdate } from "../images/updates.js";
import { openConsole } from "../machine/console.js";
import type { Machine } from "../machine/machine.js";
import type { Cache } from "../node/cache.js";
import { installedEmulator } from "../node/emulator.js";
import { machineConfig, type MachineParts, startMachine } from "../node/start-machine.js";
import type { GuestProfile } from "../reboot/guest-profile.js";
import type { Snapshot } from "../storage/snapshot.js";
import { bootThrough, SETTLE_MS, settledSnapshot } from "./boot.js";
import { keptSnapshot } from "./kept-snapshot.js";

/** A guest whose machine has booted once: runs start from its boot snapshot, never from a fresh boot. */
export interface PreparedGuest {
  readonly name: string;
  readonly recipe: Recipe;
  /** Where its disks and snapshots are kept. */
  readonly cache: Cache;
  /** The machine at the end of its first boot. */
  readonly bootSnapshot: Snapshot;
  /** Starts a machine that the boot snapshot can be restored into; the caller owns it. */
  startMachine(name: string): Promise<Machine>;
}

/** How far the preparation of a guest is. */
export interface BootProgress {
  readonly step: "boot";
  /** Virtual time since the machine was switched on, in ms. */
  readonly done: number;
  readonly unit: "ms";
}

/** What it takes to prepare a guest. */
export interface PrepareOptions extends BuildOptions {
  readonly bootProgress: (progress: BootProgress) => void;
}

/** What the guest's real-time clock shows when its machine is switched on: 2026-01-01 00:00 UTC. */
const EPOCH_MS = Date.UTC(2026, 0, 1);
const SEED = 1;

/** Loads a guest, builds it if it must be built, and boots it if there is no snapshot of its boot yet. */
export async function prepareGuest(name: string, options: PrepareOptions): Promise<PreparedGuest> {
  const guest = await loadGuest(name, options);
  return {
    name,
    recipe: guest.recipe,
    cache: options.cache,
    bootSnapshot: await loadBootSnapshot(guest, options),
    startMachine: (machine) => startMachine(partsOf(guest, machine)),
  };
}

/**
 * What the strategies know of a guest, for one of the updates in its recipe.
 *
 * @throws {RangeError} if it has no such update
 */
export function guestProfile({ name, recipe }: PreparedGuest, updateName: string): GuestProfile {
  const update = composeUpdate(name, recipe.updates, updateName);
  return {
    name,
    login: guestLogin(recipe),
    bootPhases: guestBootPhases(recipe),
    health: recipe.health.map((check) => ({ ...check, expect: new RegExp(check.expect, "m") })),
    update: {
      name: updateName,
      apply: update.apply,
      withinMs: update.withinMs,
      check: update.check.map(({ command, expect }) => ({
        command,
        expect: new RegExp(expect, "m"),
      })),
      kernelAfter: update.kernelAfter ?? null,
    },
    programs: recipe.programs,
    services: recipe.services,
    heartbeat: recipe.heartbeat ?? null,
    homeDisk: Object.keys(recipe.disks).indexOf("home"),
  };
}

/** How a user gets a shell in a guest. */
export function guestLogin({ login }: Recipe): GuestProfile["login"] {
  return {
    user: login.user,
    prompt: new RegExp(login.prompt, "m"),
    shellPrompt: new RegExp(login.shellPrompt, "m"),
  };
}

/** The phases of a guest's boot. */
function guestBootPhases({ bootPhases }: Recipe): GuestProfile["bootPhases"] {
  return bootPhases.map((phase) => ({ ...phase, until: new RegExp(phase.until, "m") }));
}

/** The machine of a guest, by content. */
function partsOf({ recipe, bios, vgaBios, disks }: BuiltGuest, name: string): MachineParts {
  return {
    name,
    memoryBytes: recipe.memoryMegabytes * 2 ** 20,
    bios,
    vgaBios,
    boot: { from: "disk" },
    disks,
    seed: SEED,
    epochMs: EPOCH_MS,
  };
}

async function loadBootSnapshot(guest: BuiltGuest, options: PrepareOptions): Promise<Snapshot> {
  const { identity } = await installedEmulator();
  const kept = {
    name: guest.name,
    decides: [
      machineConfig(partsOf(guest, "")),
      identity,
      guest.recipe.bootPhases.map(({ name, until }) => ({ name, until })),
      SETTLE_MS,
    ],
    comment: `${guest.name}, at the end of its first boot`,
  };
  return keptSnapshot(options.cache, kept, () => bootOnce(guest, options));
}

async function bootOnce(guest: BuiltGuest, options: PrepareOptions): Promise<Snapshot> {
  const machine = await startMachine(partsOf(guest, `${guest.name} (first boot)`));
  try {
    const console = openConsole(machine, 0, async (moment) => {
      options.signal?.throwIfAborted();
      await machine.run({ until: moment });
      options.bootProgress({ step: "boot", done: machine.now(), unit: "ms" });
    });
    await bootThrough(console, guestBootPhases(guest.recipe));
    return await settledSnapshot(machine);
  } finally {
    await machine.dispose();
  }
}
