import { after, virtualMs } from "../clock/virtual-time.js";
import { createPc, type Pc, type PcParts } from "../machine/pc.js";

/** Wall time in ms; the emulator in this thread cannot change this clock. */
export function wallClock(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** Switches a machine on in this very thread, where no message comes between it and the stopwatch. */
export async function localPc(parts: PcParts): Promise<Pc> {
  const pc = createPc(() => import("v86"));
  await pc.powerOn(parts);
  return pc;
}

/** How far the guest may be from what it shall print, in ms of virtual time. */
const LIMIT_MS = 120_000;

/**
 * Lets a machine that was just switched on run until its guest has printed something that matches.
 *
 * @returns the processor time that it took, in ms of virtual time
 */
export async function runUntilPrinted(pc: Pc, pattern: RegExp): Promise<number> {
  let text = "";
  let busyMs = 0;
  for (let now = virtualMs(0); now < LIMIT_MS;) {
    const result = await pc.run({ until: after(now, 100) });
    now = result.now;
    busyMs += result.busyMs;
    for (const { line, bytes } of result.output) {
      if (line === 0) text += new TextDecoder().decode(bytes).replaceAll("\r", "");
    }
    if (pattern.test(text)) return busyMs;
  }
  throw new Error(`the guest did not print ${String(pattern)}; it printed:\n${text.slice(-500)}`);
}
