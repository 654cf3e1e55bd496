import { after } from "../clock/virtual-time.js";
import { WaitExpired } from "../machine/errors.js";
import { UpdateFailed } from "./errors.js";
import type { GuestProfile } from "./guest-profile.js";
import { pass, type Run } from "./run.js";
import { startStub } from "./stub-link.js";
import type { CommandResult } from "./command-marks.js";
import type { Vm } from "./vm.js";

/** Where an update is applied: in the original VM before the fork, or in the reboot-dedicated VM after it. */
export const APPLY_PLACES = ["original", "shadow"] as const;
/** @see APPLY_PLACES */
export type ApplyPlace = (typeof APPLY_PLACES)[number];

/** Runs a shell command as root in a guest, within so many ms of virtual time. */
export type CommandRunner = (command: string, withinMs: number) => Promise<CommandResult>;

/**
 * Applies an update, command by command.
 *
 * @throws {UpdateFailed} with what the first command printed that did not end with status 0
 * @throws {WaitExpired} naming a command that takes too long
 */
export async function applyUpdate(
  { name, apply, withinMs }: GuestProfile["update"],
  run: CommandRunner,
): Promise<void> {
  for (const command of apply) {
    const { status, output } = await run(command, withinMs);
    if (status !== 0) {
      throw new UpdateFailed(
        `the update "${name}" could not be applied: "${command}" ended with status ${status}, and printed: ${output.trim()}`,
      );
    }
  }
}

/** How often is looked whether a command has ended, in ms. */
const LOOK_EVERY_MS = 10;
const LOOK_LIMIT_MS = 10_000;

/**
 * Applies the update in the reboot-dedicated VM, whose console has the copy of the user's session on it:
 * so the commands run in a shell of their own.
 */
export async function applyInFork(run: Run, dedicated: Vm): Promise<void> {
  await run.phase("apply-update", { vm: dedicated, downtime: false }, async () => {
    const link = await startStub(run, dedicated);
    await applyUpdate(run.guest.update, async (command, withinMs) => {
      const deadline = after(run.host.now(), withinMs);
      const shell = await link.ask("startShell", command, LOOK_LIMIT_MS);
      for (;;) {
        const result = await link.ask("shellResult", shell, LOOK_LIMIT_MS);
        if (result !== null) return result;
        if (run.host.now() >= deadline) {
          throw new WaitExpired(dedicated.machine.name, `the command "${command}"`, withinMs, "");
        }
        await pass(run, LOOK_EVERY_MS);
      }
    });
    await link.leave();
  });
  run.event("update-applied", { update: run.guest.update.name }, dedicated);
}
