import { constants } from "node:os";

/** Somebody wants the program to end: Ctrl-C, or a signal from another program. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";
  /** What the program's status is to be, by the shells' convention. */
  readonly exitCode: number;

  constructor(by: NodeJS.Signals) {
    super(`interrupted by ${by}`);
    this.exitCode = 128 + constants.signals[by];
  }
}

/** npm passes on the Ctrl-C that the terminal has sent to all already: it is one key press. */
const SAME_KEY_PRESS_MS = 200;

/**
 * Aborts the signal that it returns, with {@link Interrupted}, when the program is asked to end, so that
 * work under way can clean up. When asked again it ends the program at once.
 */
export function abortOnInterrupt(): AbortSignal {
  const controller = new AbortController();
  let firstAt: number | null = null;
  const listener = (by: NodeJS.Signals): void => {
    const interrupted = new Interrupted(by);
    if (firstAt === null) {
      firstAt = performance.now();
      controller.abort(interrupted);
    } else if (performance.now() - firstAt > SAME_KEY_PRESS_MS) {
      process.exit(interrupted.exitCode);
    }
  };
  for (const by of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(by, listener);
  return controller.signal;
}
