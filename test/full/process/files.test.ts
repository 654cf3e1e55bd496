import { describe, expect, test } from "vitest";
import { move, moveProof } from "../../support/moving.js";
import { workbenchPair } from "../../support/workbench-pair.js";

const pair = workbenchPair();

describe("open files go along to another kernel", () => {
  test.each([
    "regular_file",
    "directory_fd",
    "deleted_file",
    "file_locks",
    "pipes",
    "fifo",
    "eventfd",
    "epoll",
    "signalfd",
    "timerfd",
    "inotify",
    "memfd",
    "pidfd",
  ])("%s", async (name) => {
    expect(await moveProof(pair, name)).toBe(`PASSED ${name}`);
  });
});

/** Starts a program in the background, and moves it once it has made the file /run/started. */
async function moveProgram(command: string): Promise<void> {
  const { source } = pair;
  await source.sh(`rm -f /run/started; ${command} & echo $! >/run/pid`);
  await source.sh("for i in $(seq 100); do [ -e /run/started ] || sleep 0.1; done");
  await move(pair, Number(await source.sh("cat /run/pid")));
}

describe("what cannot go along is refused, and its process goes on", () => {
  test.each([
    {
      what: "a pipe to a process that stays",
      command: "sleep 1000 | perl -e 'open A, q(>/run/started); sleep 1000'",
      message: /pipe:\[\d+\], descriptor 0 of process \d+, is open in process \d+ too/,
    },
    {
      what: "events of inotify that were not read",
      command: `perl -e '
        $path = "/run"; $fd = syscall 291; syscall 292, $fd, $path, 256;
        open A, ">/run/started"; sleep 1000'`,
      message: /inotify, descriptor \d+ of process \d+, has events that were not read yet/,
    },
    {
      what: "a descriptor of a process that stays",
      command: `perl -e 'syscall 434, 1, 0; open A, ">/run/started"; sleep 1000'`,
      message: /\[pidfd\], descriptor \d+ of process \d+, is of process 1, which is not moved/,
    },
    {
      what: "a deleted file that is too large",
      command: `perl -e '
        open A, "+>/run/large"; unlink "/run/large"; $| = 1;
        syswrite A, "x" x 1048576 for 1 .. 65; open B, ">/run/started"; sleep 1000'`,
      message: /\/run\/large \(deleted\), descriptor 3 .* has no name, and more in it than 64 MB/,
    },
    {
      what: "a file that is another one now",
      command: `perl -e '
        open A, ">/run/a"; link "/run/a", "/run/b"; unlink "/run/a";
        open B, ">/run/started"; sleep 1000'`,
      message: /\/run\/a \(deleted\), .* cannot be opened again/,
    },
  ])("$what", async ({ command, message }) => {
    await expect(moveProgram(command)).rejects.toThrow(message);
    expect(await pair.source.sh("sed 's/.*) //;s/ .*//' /proc/$(cat /run/pid)/stat")).toBe("S\n");
    await pair.source.sh("kill $(cat /run/pid)");
  });
});
