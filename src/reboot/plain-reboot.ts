import { after, type VirtualMs } from "../clock/virtual-time.js";
import { type BootMark, fileDowntime } from "./downtime.js";
import { UpdateFailed } from "./errors.js";
import type { GuestProfile } from "./guest-profile.js";
import { proveHealth, provenKernel } from "./health.js";
import { REBOOT_LIMIT_MS } from "./limits.js";
import { awaitAnswer } from "./probe.js";
import type { Run } from "./run.js";
import { awaitBootPhase } from "./vm.js";

/**
 * Strategy `reboot`: the user types `reboot` and waits. There is no way back: whatever comes up is what
 * the user has.
 */
export async function plainReboot(run: Run): Promise<void> {
  const { host, guest, original } = run;

  await run.enter("reboot");
  const start = host.now();
  run.event("goes-down", undefined, original);
  await original.console.type("reboot\n");
  const marks = await awaitBoot(run, guest.bootPhases, after(start, REBOOT_LIMIT_MS));
  const reset = run.resetSince("original", start);
  if (reset === null) throw new UpdateFailed("the guest came up again without a reset");
  await awaitReturn(run, reset);
  fileDowntime(run, reset, [{ name: "shutdown", atMs: reset }, ...marks]);
  await proveUpdate(run);
}

/**
 * Lets time pass until the original VM's guest has gone through phases of its boot.
 *
 * @param deadline moment of host time at which all must have ended
 * @throws {WaitExpired} naming the phase that has not ended
 */
export async function awaitBoot(
  { host, original }: Run,
  phases: GuestProfile["bootPhases"],
  deadline: VirtualMs,
): Promise<BootMark[]> {
  const marks: BootMark[] = [];
  for (const phase of phases) {
    const left = Math.max(0, deadline - host.now());
    marks.push(await awaitBootPhase(host, original, phase, left));
  }
  return marks;
}

/**
 * Lets time pass until a guest that has booted answers the probe.
 *
 * @param downMs moment of host time at which it could not answer
 * @throws {UpdateFailed} if it does not
 */
export async function awaitReturn({ host, probe }: Run, downMs: VirtualMs): Promise<void> {
  if (probe.lastAnswerMs() < downMs && !(await awaitAnswer(host, probe, REBOOT_LIMIT_MS))) {
    throw new UpdateFailed("the guest has booted, but does not answer");
  }
}

/** Makes the original VM prove, after its reboot, that the update is in effect. */
export async function proveUpdate(run: Run): Promise<void> {
  const { original } = run;
  await run.phase("health-check", { vm: original, downtime: false }, async () => {
    await proveHealth(run, original);
    run.event("commit", { kernel: provenKernel(run) }, original);
  });
}
