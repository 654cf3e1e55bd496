import { UpdateFailed } from "./errors.js";
import type { Run } from "./run.js";
import { logIn, runCommand } from "./vm.js";

const COMMAND_LIMIT_MS = 10_000;

/**
 * The person at the console: logs in, asks for the update, works in /home, and looks
 * afterwards whether the work is still there.
 */
export interface User {
  logIn(): Promise<void>;
  applyUpdate(): Promise<void>;
  /** Keeps something in mind of the shell that is open. */
  beginWork(): Promise<void>;
  /** Whether the shell that is there still knows it. */
  findWork(): Promise<boolean>;
  /** Writes a file to /home. */
  writeNote(name: string): Promise<void>;
  /** Resolves to the notes that are gone, or are not as they were written. */
  lostNotes(): Promise<string[]>;
}

/** Seats a user at the VM that is theirs. */
export function seatUser(run: Run): User {
  const { guest } = run;
  const notes: string[] = [];

  return {
    logIn: () => logIn(run.active(), guest),
    async applyUpdate() {
      const { status, output } = await runCommand(
        run.active(),
        guest.update.apply,
        COMMAND_LIMIT_MS,
      );
      if (status !== 0) {
        throw new UpdateFailed(
          `the update "${guest.update.name}" could not be applied (status ${status}): ${output.trim()}`,
        );
      }
    },
    async beginWork() {
      await runCommand(run.active(), "work=unsaved", COMMAND_LIMIT_MS);
    },
    async findWork() {
      await logIn(run.active(), guest);
      const { output } = await runCommand(run.active(), 'echo "$work"', COMMAND_LIMIT_MS);
      return output.trim() === "unsaved";
    },
    async writeNote(name) {
      const command = `echo ${name} >/home/${name}.note`;
      const { status, output } = await runCommand(run.active(), command, COMMAND_LIMIT_MS);
      if (status !== 0) throw new UpdateFailed(`the user could not write to /home: ${output}`);
      notes.push(name);
    },
    async lostNotes() {
      await logIn(run.active(), guest);
      const { output } = await runCommand(run.active(), "cat /home/*.note", COMMAND_LIMIT_MS);
      const found = new Set(output.split("\n"));
      return notes.filter((note) => !found.has(note));
    },
  };
}
