/** Boots a guest and measures captures of it and v86's own snapshots, in turn. */
import { parentPort, workerData } from "node:worker_threads";
import { after } from "../clock/virtual-time.js";
import type { PcParts } from "../machine/pc.js";
import type { ForkPauseSamples, ForkPauseTask } from "./fork-pause.js";
import { localPc, runUntilPrinted, wallClock } from "./local-pc.js";

const WARM_UP_ROUNDS = 2;

const { parts, booted, rounds } = workerData as ForkPauseTask & { parts: PcParts };
const pc = await localPc(parts);
await runUntilPrinted(pc, booted);

const captureMs: number[] = [];
const saveStateMs: number[] = [];
for (let round = 0; round < WARM_UP_ROUNDS + rounds; round++) {
  const { now } = await pc.run({ until: after((await pc.step()).now, 10) });
  pc.prepareCapture();
  const start = wallClock();
  const state = await pc.capture();
  const captured = wallClock();
  const bytes = await pc.saveWhole();
  const saved = wallClock();
  if (state.clock < now || bytes === 0) throw new Error("nothing was captured");
  if (round < WARM_UP_ROUNDS) continue;
  captureMs.push(captured - start);
  saveStateMs.push(saved - captured);
}
parentPort?.postMessage({ captureMs, saveStateMs } satisfies ForkPauseSamples);
