import { after } from "../clock/virtual-time.js";
import { openConsole } from "../machine/console.js";
import { logIn, runCommand } from "../reboot/vm.js";
import type { Snapshot } from "../storage/snapshot.js";
import type { Follower } from "./preparation.js";
import { guestLogin, type PreparedGuest } from "./prepared-guest.js";

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
export async function snapshotAfter(
  guest: PreparedGuest,
  { command, afterMs }: Prelude,
  { show, signal }: Follower,
): Promise<Snapshot> {
  const machine = await guest.startMachine(guest.name);
  try {
    await machine.restoreSnapshot(guest.bootSnapshot);
    const start = machine.now();
    const advance = async (until: typeof start): Promise<void> => {
      signal.throwIfAborted();
      show({
        step: `${guest.name}: before the snapshot`,
        done: machine.now() - start,
        unit: "ms",
        detail: "of virtual time",
      });
      await machine.run({ until });
    };
    if (command !== undefined) {
      const terminal = { machine, console: openConsole(machine, 0, advance) };
      await logIn(terminal, { login: guestLogin(guest.recipe) });
      const { status, output } = await runCommand(terminal, command, COMMAND_LIMIT_MS);
      if (status !== 0) {
        throw new CommandFailed(
          `"${command}" ended with status ${status} in ${guest.name}, so no snapshot was taken. ` +
            `It wrote:\n${output.trimEnd()}`,
        );
      }
    }
    const end = after(machine.now(), afterMs);
    while (machine.now() < end)
      await advance(after(machine.now(), Math.min(STEP_MS, end - machine.now())));
    return await machine.takeSnapshot();
  } finally {
    await machine.dispose();
  }
}
