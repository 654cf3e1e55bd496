#!/usr/bin/env node
/**
 * The program `shadow-reboot`: results go to standard output, everything else to standard error.
 * Its status is 0 if all is done, 1 if an update was rolled back or work failed, 2 for wrong usage, and
 * 128 and the signal's number if it was interrupted.
 */
import { inspect } from "node:util";
import { setFlagsFromString } from "node:v8";
import { progressLine } from "../experiment/progress.js";
import { listImported } from "../images/imported.js";
import { listGuests } from "../images/recipe.js";
import { withoutControls } from "../machine/plain-text.js";
import { commandLine } from "./command-line.js";
import { UsageError } from "./context.js";
import { abortOnInterrupt, Interrupted } from "./interrupt.js";

// Code of a guest is mostly run a few times only: to compile it well takes a third more time than it saves.
setFlagsFromString("--liftoff-only");

/** Results cannot be written. */
class OutputError extends Error {
  override readonly name = "OutputError";

  constructor(cause: Error) {
    super(
      `standard output cannot be written: ${cause.message}; let it go to where there is room for it`,
      { cause },
    );
  }
}

const progress = progressLine();

process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  // A reader that has gone (`| head`) wants no more results; it is no error.
  if (error.code === "EPIPE") process.exit();
  process.exit(report(new OutputError(error)));
});
process.stderr.on("error", () => undefined);
process.on("uncaughtException", (error) => {
  process.exit(report(error));
});

try {
  const cli = commandLine({
    guests: [...new Set([...(await listGuests()), ...(await listImported())])],
    signal: abortOnInterrupt(),
    show: progress.show,
    print(text) {
      progress.end();
      process.stdout.write(typeof text === "string" ? withoutControls(text) : text);
    },
    remark(text) {
      progress.end();
      process.stderr.write(withoutControls(text));
    },
  });
  await cli.parseAsync(process.argv.slice(2));
  progress.end();
} catch (error) {
  process.exitCode = report(error);
}

/** Says what went wrong, in one message; returns the status to end with. */
function report(error: unknown): number {
  progress.end();
  if (error instanceof Interrupted) {
    process.stderr.write("Interrupted; nothing half-done was left behind.\n");
    return error.exitCode;
  }
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(withoutControls(`shadow-reboot: ${message}\n`));
  if (process.env.SHADOW_REBOOT_DEBUG) process.stderr.write(withoutControls(`${inspect(error)}\n`));
  return error instanceof UsageError ? 2 : 1;
}
