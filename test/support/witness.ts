import type { Run } from "../../src/reboot/run.js";
import { runCommand } from "../../src/reboot/vm.js";

/** What a user could see of a system: every file of it, and a program of theirs that runs. */
export interface Witness {
  /** A line a file of the system disk and of /home: name, kind, mode, owner, size, time, target, SHA-256. */
  readonly files: readonly string[];
  readonly pid: string;
  /** How far the program has counted, in its memory. */
  readonly count: number;
}

/** What changes on a system only because it runs. */
const RESTLESS = "/var/log/";

const LIMIT_MS = 60_000;

/** Starts a program in the user's shell that counts, in the background. */
export async function startCounting(run: Run): Promise<void> {
  const loop = "n=0; while :; do n=$((n+1)); echo $n >/tmp/count; usleep 20000; done";
  await runCommand(run.original, `(${loop}) & witness=$!; sleep 1`, LIMIT_MS);
}

/** Looks at the original VM, in the user's shell. */
export async function lookAt(run: Run): Promise<Witness> {
  const ask = async (command: string) =>
    (await runCommand(run.original, command, LIMIT_MS)).output.trim();
  const names = "find / /home -xdev";
  const listed = await ask(`${names} -exec stat -c '%n|%F|%a|%u:%g|%s|%Y|%N' {} +`);
  const hashed = await ask(`${names} -type f -exec sha256sum {} +`);
  const hashes = new Map(
    hashed.split("\n").map((line) => [line.slice(66), line.slice(0, 64)] as const),
  );
  const files = listed
    .split("\n")
    .map((line) => `${line}|${hashes.get(line.slice(0, line.indexOf("|"))) ?? ""}`)
    // The kernel writes to the console, too.
    .filter((line) => line.startsWith("/") && !line.startsWith(RESTLESS))
    .sort();
  const [pid = "", count = ""] = (
    await ask('kill -0 $witness && echo "$witness"; cat /tmp/count')
  ).split("\n");
  return { files: [...new Set(files)], pid, count: Number(count) };
}
