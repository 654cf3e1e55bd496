import { after } from "../clock/virtual-time.js";
import { type CommandLink, linkStub } from "../guest/command-link.js";
import { serialStub } from "../guest/serial-stub.js";
import type { Console } from "../machine/console.js";
import type { Machine } from "../machine/machine.js";
import { createTextReader } from "../machine/plain-text.js";
import type { ProcessCommands } from "../process/engine.js";
import type { TreeImage } from "../process/image.js";
import type { ProcessSummary, Selection } from "../process/select.js";
import { asCommand, logIn, runCommand } from "../reboot/vm.js";
import type { Snapshot } from "../storage/snapshot.js";
import type { Follower } from "./preparation.js";
import { guestLogin, type PreparedGuest } from "./prepared-guest.js";
import { onRestoredMachine } from "./restored-machine.js";
import { CommandFailed } from "./save-snapshot.js";

/** A guest whose processes are worked on: by its shell, and by a stub. */
interface Workshop {
  readonly machine: Machine;
  readonly console: Console;
  readonly stub: () => Promise<CommandLink<ProcessCommands>>;
}

const COMMAND_LIMIT_MS = 600_000;
const WORK_MS = 60_000;
const STEP_MS = 100;
/** What a prelude starts gets process ids from here on, which a system that has just booted does not use. */
const FREE_PIDS = 20_000;

/** Lists the processes of a machine. */
export function listGuestProcesses(
  guest: PreparedGuest,
  snapshot: Snapshot,
  follower: Follower,
): Promise<ProcessSummary[]> {
  return inWorkshop(guest, snapshot, follower, async ({ stub }) => {
    return (await stub()).ask("list", null, WORK_MS);
  });
}

/**
 * Captures processes of a machine, each with all that descend from it.
 *
 * @param command a shell command that is run before; null for none
 * @throws {CommandFailed} if the command does not end with status 0, or something cannot be carried
 */
export function captureGuestProcesses(
  guest: PreparedGuest,
  snapshot: Snapshot,
  { keep, command }: { readonly keep: Selection; readonly command: string | null },
  follower: Follower,
): Promise<TreeImage> {
  return inWorkshop(guest, snapshot, follower, async (shop) => {
    if (command !== null) {
      const line = `echo ${FREE_PIDS} >/proc/sys/kernel/ns_last_pid; ${asCommand(command)}`;
      const { status, output } = await runCommand(shop, line, COMMAND_LIMIT_MS);
      if (status !== 0) {
        throw new CommandFailed(
          `"${command}" ended with status ${status} in ${guest.name}, so nothing was captured. ` +
            `It wrote:\n${output.trimEnd()}`,
        );
      }
    }
    return (await shop.stub()).ask("capture", [keep], WORK_MS);
  });
}

/**
 * Makes captured processes go on in a machine.
 *
 * @param forMs how long they are watched, in ms of virtual time
 * @param print gets what the console shows meanwhile, as plain text
 * @throws {CommandFailed} if the system has not got what they need
 */
export function restoreGuestProcesses(
  guest: PreparedGuest,
  snapshot: Snapshot,
  { image, forMs }: { readonly image: TreeImage; readonly forMs: number },
  { print, ...follower }: Follower & { readonly print: (text: string) => void },
): Promise<void> {
  return inWorkshop(guest, snapshot, follower, async ({ machine, stub }) => {
    const link = await stub();
    await link.ask("restore", image, WORK_MS);
    const plain = createTextReader();
    const stop = machine.onOutput(({ line, bytes }) => {
      if (line === 0) print(plain(bytes));
    });
    await link.ask("release", null, WORK_MS);
    await link.leave();
    const end = after(machine.now(), forMs);
    while (machine.now() < end) {
      follower.signal.throwIfAborted();
      await machine.run({ until: after(machine.now(), Math.min(STEP_MS, end - machine.now())) });
    }
    stop();
  });
}

function inWorkshop<T>(
  guest: PreparedGuest,
  snapshot: Snapshot,
  follower: Follower,
  work: (shop: Workshop) => Promise<T>,
): Promise<T> {
  const names = { machine: guest.name, step: guest.name };
  return onRestoredMachine(guest, snapshot, names, follower, async (restored) => {
    const { machine, console, advance } = restored;
    await logIn(restored, { login: guestLogin(guest.recipe) });
    const stub = () => linkStub<ProcessCommands>(machine, serialStub(console, advance));
    return work({ machine, console, stub });
  });
}
