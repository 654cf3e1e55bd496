import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";

/** How a run of the program ended. */
export interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The program at work. */
export interface Program {
  readonly child: ChildProcessWithoutNullStreams;
  /** Resolves once the program has written something that matches to standard error. */
  readonly says: (pattern: RegExp) => Promise<void>;
  readonly outcome: Promise<Outcome>;
}

const REPOSITORY = fileURLToPath(new URL("../../", import.meta.url));

/** Starts `shadow-reboot` from its sources, in a process of its own that does not outlive the test. */
export function startProgram(args: readonly string[], env: Record<string, string> = {}): Program {
  const child = spawn(process.execPath, ["--import", "tsx", "src/cli/main.ts", ...args], {
    cwd: REPOSITORY,
    env: { ...process.env, ...env },
  });
  onTestFinished(() => {
    child.kill("SIGKILL");
  });
  const written = { stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => (written.stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (written.stderr += text));
  const outcome = new Promise<Outcome>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (status) => {
      resolve({ status, ...written });
    });
  });
  const says = (pattern: RegExp) =>
    new Promise<void>((resolve, reject) => {
      const look = () => {
        if (pattern.test(written.stderr)) resolve();
      };
      child.stderr.on("data", look);
      child.on("close", () => {
        reject(new Error(`it ended and never said ${String(pattern)}:\n${written.stderr}`));
      });
      look();
    });
  return { child, says, outcome };
}

/** Runs `shadow-reboot` to its end, with this on its standard input. */
export function runProgram(
  args: readonly string[],
  { input = "", env = {} }: { input?: string; env?: Record<string, string> } = {},
): Promise<Outcome> {
  const { child, outcome } = startProgram(args, env);
  child.stdin.end(input);
  return outcome;
}
