import { CannotCarryFiles } from "../carry-over/tree.js";
import { CommandFailed } from "../guest/command-link.js";
import { KexecRefused } from "../guest/kexec-image.js";
import { BootMenuError } from "../guest/kexec-menu.js";
import { MachineDied, WaitExpired } from "../machine/errors.js";
import { DoesNotApply, SilentAfterCommit, UpdateFailed } from "../reboot/errors.js";
import type { Outcome } from "./finished-run.js";

/** A run could not be made, for a reason that says nothing of the guest or the strategy. */
export class RunNotMade extends Error {
  override readonly name = "RunNotMade";

  constructor(
    { guest, strategy }: { readonly guest: string; readonly strategy: string },
    reason: string,
    cause?: unknown,
  ) {
    super(`${guest} by ${strategy}: ${reason}`, { cause });
  }
}

/** Errors of the simulated world: the same run would end by them on every computer. */
const SIMULATED = [
  BootMenuError,
  CannotCarryFiles,
  CommandFailed,
  KexecRefused,
  MachineDied,
  SilentAfterCommit,
  UpdateFailed,
  WaitExpired,
];

/**
 * How a run ended that left nothing behind, by what it has thrown.
 *
 * @throws the error itself if it is none of the simulated world: a full disk is no outcome
 */
export function endedBy(error: unknown): { readonly outcome: Outcome; readonly reason: string } {
  if (error instanceof DoesNotApply) return { outcome: "does not apply", reason: error.message };
  if (error instanceof Error && SIMULATED.some((kind) => error instanceof kind)) {
    return { outcome: "failed", reason: error.message };
  }
  throw error;
}
