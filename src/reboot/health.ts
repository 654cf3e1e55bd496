import { after } from "../clock/virtual-time.js";
import { WaitExpired } from "../machine/errors.js";
import { UpdateFailed } from "./errors.js";
import type { HealthCheck } from "./guest-profile.js";
import { pass, type Run } from "./run.js";
import { kernelRelease, logIn, runCommand, type Vm } from "./vm.js";

/** How long the system may take to show that an update is in effect, in ms. */
const IN_EFFECT_LIMIT_MS = 10_000;

/** What has just started may need another look, after so many ms. */
const LOOK_AGAIN_MS = 250;

/**
 * Makes a system that has booted prove itself: a login answers, all of the guest's health checks hold, and
 * the update is in effect. Its console is left with the user logged in.
 *
 * @throws {UpdateFailed} naming the first check that fails, what was expected and what came
 */
export async function proveHealth(run: Run, vm: Vm): Promise<void> {
  const { guest } = run;
  const { name, kernelAfter, check: effects } = guest.update;
  await logIn(vm, guest).catch((error: unknown) => {
    if (!(error instanceof WaitExpired)) throw error;
    throw new UpdateFailed(`the health check "login" failed: ${error.message}`);
  });
  const kernel = await kernelRelease(vm);
  if (kernelAfter !== null && kernel !== kernelAfter) {
    throw new UpdateFailed(
      `the rebooted state runs ${kernel}, not ${kernelAfter}: the update is not in effect`,
    );
  }
  const inEffect = effects.map((check) => ({
    ...check,
    name: `the update "${name}" is in effect`,
    withinMs: IN_EFFECT_LIMIT_MS,
  }));
  const checks = [...guest.health, ...inEffect];
  for (const check of checks) await examine(run, vm, check);
  run.event("update-in-effect", { kernel, checks: checks.length }, vm);
}

/** The kernel that the last proof of health has found. */
export function provenKernel({ events }: Run): string {
  const proof = events.findLast(({ kind }) => kind === "update-in-effect");
  return String(proof?.detail?.kernel ?? "unknown");
}

async function examine(run: Run, vm: Vm, check: HealthCheck): Promise<void> {
  const { name, command, expect, withinMs } = check;
  const deadline = after(run.host.now(), withinMs);
  for (;;) {
    const found = await runCommand(vm, command, withinMs).catch((error: unknown) => {
      if (error instanceof WaitExpired) return null;
      throw error;
    });
    if (found !== null && expect.test(found.output)) return;
    if (found === null || run.host.now() >= deadline) {
      const came =
        found === null
          ? "it did not end"
          : `it printed "${found.output.trim()}" and ended with status ${found.status}`;
      throw new UpdateFailed(
        `the health check "${name}" failed: "${command}" was to print ${String(expect)} within ${withinMs} ms, but ${came}`,
      );
    }
    await pass(run, LOOK_AGAIN_MS);
  }
}
