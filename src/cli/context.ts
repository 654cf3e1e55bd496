import type { Argv } from "yargs";
import type { Follower } from "../experiment/preparation.js";

/** What every command may count on. */
export interface Context extends Follower {
  /** Names of the guests that have a recipe in the repository, and of those that were imported. */
  readonly guests: readonly string[];
  /**
   * Prints a result to standard output, after the progress line has gone. Text may come from a guest, so it
   * loses its control characters but newlines and tabs; bytes are written as they are.
   */
  readonly print: (text: string | Uint8Array) => void;
  /** Prints a remark for the person at the terminal to standard error; as text that is printed. */
  readonly remark: (text: string) => void;
}

/** Adds a command to the command line. */
export type Command = (cli: Argv, context: Context) => Argv;

/** The command line cannot be understood: the program ends with status 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}
