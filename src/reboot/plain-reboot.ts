import { after } from "../clock/virtual-time.js";
import { type BootMark, fileDowntime } from "./downtime.js";
import { UpdateFailed } from "./errors.js";
import { awaitAnswer } from "./probe.js";
import type { Run } from "./run.js";
import { awaitBootPhase, kernelRelease, logIn } from "./vm.js";

/** How long a guest may take to shut down and boot, in ms. */
export const REBOOT_LIMIT_MS = 120_000;

/**
 * Strategy `reboot`: the user types `reboot` and waits. There is no way back: whatever comes up is what
 * the user has.
 */
export async function plainReboot(run: Run): Promise<void> {
  const { host, guest, original, probe } = run;

  await run.enter("reboot");
  const start = host.now();
  const deadline = after(start, REBOOT_LIMIT_MS);
  await original.console.type("reboot\n");
  const marks: BootMark[] = [];
  for (const phase of guest.bootPhases) {
    const left = Math.max(0, deadline - host.now());
    marks.push(await awaitBootPhase(host, original, phase, left));
  }
  const reset = run.resetSince("original", start);
  if (reset === null) throw new UpdateFailed("the guest came up again without a reset");
  if (probe.lastAnswerMs() < reset && !(await awaitAnswer(host, probe, REBOOT_LIMIT_MS))) {
    throw new UpdateFailed("the guest has booted, but does not answer");
  }
  fileDowntime(run, reset, [{ name: "shutdown", atMs: reset }, ...marks]);

  await run.phase("health-check", { vm: original, downtime: false }, async () => {
    await logIn(original, guest);
    const kernel = await kernelRelease(original);
    if (kernel !== guest.update.kernelAfter) {
      throw new UpdateFailed(
        `the guest runs ${kernel} after its reboot, not ${guest.update.kernelAfter}`,
      );
    }
    run.event("commit", { kernel }, original);
  });
}
