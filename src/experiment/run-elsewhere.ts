import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import path from "node:path";
import type { ReproduceOptions } from "./reproduce.js";
import { RunNotMade } from "./run-errors.js";

/** How much of the end of what the other process says is kept, in characters. */
const SAID_LENGTH = 2000;

/**
 * Makes runs by the program in another process, each an update with the program's defaults.
 *
 * @param program what Node.js is started with to run it
 * @throws {RunNotMade} with what the process said, if it leaves no run
 */
export function inAnotherProcess(program: readonly string[]): ReproduceOptions["runElsewhere"] {
  return async (run, directory, signal) => {
    signal.throwIfAborted();
    const { guest, strategy, update } = run;
    const asked = ["update", guest, "--strategy", strategy, "--update", update, "--out", directory];
    const child = spawn(process.execPath, [...program, ...asked], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    let said = "";
    child.stderr.on("data", (piece: Buffer) => {
      said = `${said}${piece.toString()}`.slice(-SAID_LENGTH);
    });
    const interrupt = (): void => {
      child.kill("SIGINT");
    };
    signal.addEventListener("abort", interrupt, { once: true });
    const status = await new Promise<number | null>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", resolve);
    }).finally(() => {
      signal.removeEventListener("abort", interrupt);
    });
    signal.throwIfAborted();
    // An update that was rolled back ends with status 1 like any failure, but leaves a run like any other.
    const left = existsSync(path.join(directory, "summary.json"));
    if ((status !== 0 && status !== 1) || !left) {
      throw new RunNotMade(run, `the run in another process ended with ${status}: ${said.trim()}`);
    }
  };
}
