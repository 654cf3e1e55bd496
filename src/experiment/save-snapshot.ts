import { after } from "../clock/virtual-time.js";
import { asCommand, logIn, runCommand } from "../reboot/vm.js";
import type { Snapshot } from "../storage/snapshot.js";
import type { Follower } from "./preparation.js";
import { guestLogin, type PreparedGuest } from "./prepared-guest.js";
import { onRestoredMachine } from "./restored-machine.js";

/** What happens in a guest, after its boot, before its snapshot is taken. */
export interface Prelude {
  /** A shell command that the user runs. */
  readonly command: string | undefined;
  /** How long the guest is then left alone, in ms of virtual time. */
  readonly afterMs: number;
}

/** A command ended with another status than 0. */
export class CommandFailed extends Error {
  override readonly name = "CommandFailed";
}

/** Ten minutes of virtual time. */
const COMMAND_LIMIT_MS = 600_000;
const STEP_MS = 100;

/**
 * Lets a guest live through a prelude and takes a snapshot of it.
 *
 * @throws {CommandFailed} if the command does not end with status 0
 */
export function snapshotAfter(
  guest: PreparedGuest,
  { command, afterMs }: Prelude,
  follower: Follower,
): Promise<Snapshot> {
  const names = { machine: guest.name, step: `${guest.name}: before the snapshot` };
  return onRestoredMachine(guest, guest.bootSnapshot, names, follower, async (terminal) => {
    const { machine, advance } = terminal;
    if (command !== undefined) {
      await logIn(terminal, { login: guestLogin(guest.recipe) });
      const { status, output } = await runCommand(terminal, asCommand(command), COMMAND_LIMIT_MS);
      if (status !== 0) {
        throw new CommandFailed(
          `"${command}" ended with status ${status} in ${guest.name}, so no snapshot was taken. ` +
            `It wrote:\n${output.trimEnd()}`,
        );
      }
    }
    const end = after(machine.now(), afterMs);
    while (machine.now() < end) {
      await advance(after(machine.now(), Math.min(STEP_MS, end - machine.now())));
    }
    return machine.takeSnapshot();
  });
}
