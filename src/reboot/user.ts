import { WaitExpired } from "../machine/errors.js";
import { applyUpdate } from "./apply-update.js";
import { UpdateFailed } from "./errors.js";
import { openPrograms, type UserPrograms } from "./programs.js";
import type { Run } from "./run.js";
import { asCommand, interrupt, logIn, runCommand } from "./vm.js";

const COMMAND_LIMIT_MS = 10_000;
const WORK_LIMIT_MS = 30_000;

/**
 * The person at the console: logs in, asks for the update, works in /home, and looks
 * afterwards whether the work is still there.
 */
export interface User {
  logIn(): Promise<void>;
  /** Whether there is a shell at the console, or can be; what keeps it busy is interrupted once. */
  hasShell(): Promise<boolean>;
  applyUpdate(): Promise<void>;
  /**
   * Types a line into the shell that is open.
   *
   * @throws {UpdateFailed} if it does not end, or not with status 0; work that is to go on ends with `&`
   */
  work(line: string): Promise<void>;
  /** What the user has open. */
  readonly programs: UserPrograms;
  /** Writes a file to /home, and one to the system disk. */
  writeNote(name: string): Promise<void>;
  /** Resolves to the notes in a directory, /home if none is named, that are gone or not as they were written. */
  lostNotes(directory?: "/home" | "/root"): Promise<string[]>;
}

/** Seats a user at the VM that is theirs. */
export function seatUser(run: Run): User {
  const { guest } = run;
  const notes: string[] = [];

  async function tryToLogIn(): Promise<boolean> {
    try {
      await logIn(run.active(), guest);
      return true;
    } catch (error) {
      if (error instanceof WaitExpired) return false;
      throw error;
    }
  }

  return {
    programs: openPrograms(run),
    logIn: () => logIn(run.active(), guest),
    async hasShell() {
      if (await tryToLogIn()) return true;
      await interrupt(run.active());
      return tryToLogIn();
    },
    applyUpdate: () =>
      applyUpdate(guest.update, (command, withinMs) => runCommand(run.active(), command, withinMs)),
    async work(line) {
      const vm = run.active();
      const ended = runCommand(vm, asCommand(line), WORK_LIMIT_MS);
      const { status, output } = await ended.catch(async (error: unknown) => {
        if (!(error instanceof WaitExpired)) throw error;
        await interrupt(vm);
        throw new UpdateFailed(
          `the user's command "${line}" did not end within ${WORK_LIMIT_MS} ms of virtual time. ` +
            'End it with "&" to let it run beside the update.',
          { cause: error },
        );
      });
      if (status !== 0) {
        throw new UpdateFailed(
          `the user's command "${line}" ended with status ${status}, and printed: ${output.trim()}`,
        );
      }
    },
    async writeNote(name) {
      const command = `echo ${name} >/home/${name}.note && echo ${name} >/root/${name}.note`;
      const { status, output } = await runCommand(run.active(), command, COMMAND_LIMIT_MS);
      if (status !== 0) throw new UpdateFailed(`the user could not write a file: ${output}`);
      notes.push(name);
    },
    async lostNotes(directory = "/home") {
      await logIn(run.active(), guest);
      const { output } = await runCommand(
        run.active(),
        `cat ${directory}/*.note`,
        COMMAND_LIMIT_MS,
      );
      const found = new Set(output.split("\n"));
      return notes.filter((note) => !found.has(note));
    },
  };
}
