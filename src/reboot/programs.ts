import { virtualMs } from "../clock/virtual-time.js";
import { WaitExpired } from "../machine/errors.js";
import { UpdateFailed } from "./errors.js";
import type { Heartbeat, ProgramOutcome } from "./report.js";
import type { Run } from "./run.js";
import { interrupt, logIn, runCommand } from "./vm.js";

const LIMIT_MS = 30_000;

/** The programs of a guest's recipe, in the hands of the user. */
export interface UserPrograms {
  /**
   * Starts all of them in the shell that is open.
   *
   * @throws {UpdateFailed} naming the first that does not start
   */
  start(): Promise<void>;
  /** Looks which of them are still there with what they had in memory. */
  check(): Promise<ProgramOutcome[]>;
  /** Reads the heartbeat; null if there is none. */
  heartbeat(): Promise<Heartbeat | null>;
}

/** The programs of the guest of a run; none is started yet. */
export function openPrograms(run: Run): UserPrograms {
  const { programs, heartbeat } = run.guest;

  /** What a command prints; null if it fails, or does not end. */
  async function attempt(command: string): Promise<string | null> {
    const vm = run.active();
    await logIn(vm, run.guest);
    try {
      const { status, output } = await runCommand(vm, command, LIMIT_MS);
      return status === 0 ? output : null;
    } catch (error) {
      if (!(error instanceof WaitExpired)) throw error;
      await interrupt(vm);
      return null;
    }
  }

  return {
    async start() {
      const all =
        heartbeat === null ? programs : [...programs, { name: "heartbeat", ...heartbeat }];
      for (const { name, start } of all) {
        if ((await attempt(start)) === null) {
          throw new UpdateFailed(`the program "${name}" could not be started`);
        }
      }
    },
    async check() {
      const outcomes: ProgramOutcome[] = [];
      for (const { name, check } of programs) {
        outcomes.push({ name, survived: (await attempt(check)) !== null });
      }
      return outcomes;
    },
    async heartbeat() {
      return heartbeat === null ? null : parseHeartbeat((await attempt(heartbeat.read)) ?? "");
    },
  };
}

/** Reads what a heartbeat says of itself; null if it says nothing. */
export function parseHeartbeat(text: string): Heartbeat | null {
  const said = /^(\d{1,15}) beats, longest gap (\d{1,9}\.\d{1,6}) ms$/m.exec(text);
  return said === null ? null : { beats: Number(said[1]), gapMs: virtualMs(Number(said[2])) };
}
