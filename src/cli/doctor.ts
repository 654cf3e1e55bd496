import { readdir, rm, stat, statfs } from "node:fs/promises";
import { totalmem } from "node:os";
import { join } from "node:path";
import { virtualMs } from "../clock/virtual-time.js";
import { drawFigure } from "../experiment/figures/canvas.js";
import { verifyGuest } from "../images/build.js";
import { fetchSmall } from "../images/fetch.js";
import { findMirror } from "../images/mirror.js";
import { readPins } from "../images/packages.js";
import { openCache } from "../node/cache.js";
import { installedEmulator } from "../node/emulator.js";
import { startMachine } from "../node/start-machine.js";

/** One thing that a run needs. */
export interface Check {
  readonly name: string;
  /** Resolves to what was found; what it throws says what is wrong and how to mend it. */
  readonly examine: () => Promise<string>;
}

/** All that a run needs, each thing checked by using it. */
export const CHECKS: readonly Check[] = [
  { name: "Node.js", examine: examineNode },
  { name: "emulator", examine: examineEmulator },
  { name: "machine", examine: examineMachine },
  { name: "memory", examine: examineMemory },
  { name: "cache", examine: examineCache },
  { name: "packages", examine: examinePackages },
  { name: "figures", examine: examineFigures },
];

/** The guest that `npm start` uses; others may need more. */
const FIRST_GUEST = "busybox";
const GIB = 2 ** 30;
const MEMORY_NEEDED = 2 * GIB;
const SPACE_NEEDED = GIB / 2;
/** A signed index of a suite has a tenth of this. */
const LARGEST_INDEX = 2 ** 21;

function examineNode(): Promise<string> {
  const version = process.versions.node;
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const isGood = (major === 20 && minor >= 19) || (major === 22 && minor >= 13) || major >= 24;
  if (!isGood) {
    throw new Error(
      `it is ${version}, and 20.19 or later of 20, 22.13 or later of 22, or 24 or later is needed: install one of these`,
    );
  }
  return Promise.resolve(version);
}

async function examineEmulator(): Promise<string> {
  try {
    return `v86 ${(await installedEmulator()).identity.version}`;
  } catch (cause) {
    throw new Error(`v86 cannot be loaded: install the packages anew with "npm ci"`, { cause });
  }
}

/** Starts a machine whose firmware does nothing but halt. */
async function examineMachine(): Promise<string> {
  const halt = new Uint8Array(64 * 1024).fill(0xf4);
  try {
    const machine = await startMachine({
      name: "doctor",
      memoryBytes: 16 * 2 ** 20,
      bios: halt,
      vgaBios: halt.subarray(0, 1024),
      boot: { from: "disk" },
      disks: [],
      seed: 1,
      epochMs: 0,
    });
    try {
      const { halted } = await machine.run({ until: virtualMs(1) });
      if (!halted) throw new Error("it does not run as it should");
    } finally {
      await machine.dispose();
    }
    return "starts in a worker thread, and runs";
  } catch (cause) {
    throw new Error(
      `no machine can be started (${reasonOf(cause)}): install the packages anew with "npm ci", ` +
        "and see that nothing forbids worker threads",
      { cause },
    );
  }
}

function examineMemory(): Promise<string> {
  // A container may have less than its host; without a limit it is 0 or a very large number.
  const limit = process.constrainedMemory();
  const bytes = limit > 0 ? Math.min(limit, totalmem()) : totalmem();
  if (bytes < MEMORY_NEEDED) {
    throw new Error(
      `there are ${inGib(bytes)}, and two machines need ${inGib(MEMORY_NEEDED)}: ` +
        "give the computer or the container more memory",
    );
  }
  return Promise.resolve(inGib(bytes));
}

async function examineCache(): Promise<string> {
  const cache = await openCache();
  const probe = `doctor-${process.pid}`;
  await cache.write(probe, Uint8Array.of(1));
  await rm(cache.path(probe));
  const { bavail, bsize } = await statfs(cache.folder);
  const free = bavail * bsize;
  if (free + (await bytesBelow(cache.folder)) < SPACE_NEEDED) {
    throw new Error(
      `${cache.folder} has ${inGib(free)} free, and a guest needs ${inGib(SPACE_NEEDED)}: ` +
        "free some space, or set SHADOW_REBOOT_CACHE to another folder",
    );
  }
  return `${cache.folder}, ${inGib(free)} free`;
}

async function bytesBelow(folder: string): Promise<number> {
  let bytes = 0;
  for (const name of await readdir(folder, { recursive: true })) {
    // Another process may tidy up at the same time.
    bytes += (await stat(join(folder, name)).catch(() => null))?.size ?? 0;
  }
  return bytes;
}

/** With the guest of `npm start` in the cache no network is needed; else a mirror must answer. */
async function examinePackages(): Promise<string> {
  const { items } = await verifyGuest(FIRST_GUEST, await openCache());
  if (items.every(({ state }) => state !== "missing")) {
    return `${FIRST_GUEST} is in the cache, no network is needed`;
  }
  const mirror = await findMirror();
  const [pin] = await readPins();
  const patience = { tries: 1, backoffMs: 0, stallMs: 10_000 };
  const index = `${mirror.url}/dists/${pin?.suite ?? "stable"}/InRelease`;
  await fetchSmall(index, LARGEST_INDEX, { patience });
  return `to be fetched for ${FIRST_GUEST}; ${mirror.url} (from ${mirror.from}) answers`;
}

/** Draws a letter and a space: without a working font both look the same. */
function examineFigures(): Promise<string> {
  const draw = (text: string) => {
    const title = { display: true, text };
    return drawFigure(
      () => ({ type: "bar", data: { datasets: [] }, options: { plugins: { title } } }),
      { width: 100, height: 100 },
    );
  };
  if (Buffer.compare(draw("M").png, draw("\u00a0").png) === 0) {
    throw new Error(`text in figures stays empty: install the packages anew with "npm ci"`);
  }
  return Promise.resolve("canvas and font draw text");
}

function inGib(bytes: number): string {
  return `${(bytes / GIB).toFixed(1)} GiB`;
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
