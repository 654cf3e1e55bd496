import { describe, expect, test } from "vitest";
import { after } from "../../../src/clock/virtual-time.js";
import { guestLogin } from "../../../src/experiment/prepared-guest.js";
import {
  CommandFailed,
  type CommandLink,
  linkStub,
  type StubStarter,
} from "../../../src/guest/command-link.js";
import { openConsole } from "../../../src/machine/console.js";
import type { ProcessCommands } from "../../../src/process/engine.js";
import { logIn, runCommand } from "../../../src/reboot/vm.js";
import { busybox } from "../../support/busybox.js";
import { meet, openPair, type Side } from "../../support/moving.js";
import { twoKernels } from "../../support/two-kernels.js";

type Link = CommandLink<ProcessCommands>;

/**
 * Which of the system calls of a capture or a restore fails: every one in turn takes hours, so by default each
 * seventh; FAIL_EACH=1 for all.
 */
const STRIDE = Number(process.env.FAIL_EACH ?? 7);

test("whichever system call of a capture fails, the program goes on as if nothing had been", async () => {
  const guest = await busybox();
  const machine = await guest.startMachine("original");
  try {
    await machine.restoreSnapshot(guest.bootSnapshot);
    const console = openConsole(machine, 0);
    await logIn({ machine, console }, { login: guestLogin(guest.recipe) });
    const sh = async (command: string): Promise<string> =>
      (await runCommand({ machine, console }, command, 10_000)).output.trim();
    const starter: StubStarter = {
      async start() {
        await sh("(/sbin/stub &)");
      },
      wake: null,
      async advance(until) {
        await machine.run({ until });
      },
    };
    // It counts in memory of its own, and tells how far it is in a file.
    await sh(
      "(i=0; trap '' USR1; while :; do i=$((i+1)); echo $i >/tmp/count; usleep 1000; done) & echo $! >/tmp/pid",
    );
    const pid = Number(await sh("cat /tmp/pid"));

    const whole = await linkStub<ProcessCommands>(machine, starter);
    await whole.ask("capture", [{ by: "pid", pid }], 10_000);
    const calls = whole.calls();
    await whole.ask("thaw", null, 10_000);
    await whole.leave();

    let failures = 0;
    for (let call = 1; call <= calls; call += STRIDE) {
      const before = Number(await sh("cat /tmp/count"));
      const link = await linkStub<ProcessCommands>(machine, starter, { failCall: call });
      const outcome = await link.ask("capture", [{ by: "pid", pid }], 10_000).then(
        () => "captured",
        (error: unknown) => error,
      );
      if (outcome !== "captured") {
        expect(outcome, `call ${call}`).toBeInstanceOf(CommandFailed);
        failures++;
      }
      // A shorter capture than the first leaves the failing call to this; it can be asked for again.
      await link.ask("thaw", null, 10_000).catch(() => link.ask("thaw", null, 10_000));
      await link.leave();
      await machine.run({ until: after(machine.now(), 50) });
      expect(Number(await sh("cat /tmp/count")), `after call ${call} failed`).toBeGreaterThan(
        before,
      );
      const status = await sh(
        `grep -E '^(State|TracerPid|SigBlk)' /proc/${pid}/status | tr '\\t' ' '`,
      );
      expect(status, `after call ${call} failed`).toMatch(
        /State: [RS] \(\w+\)\nTracerPid: 0\nSigBlk: 0{16}/,
      );
    }
    // Some calls may fail without harm: those that only try something.
    expect(failures).toBeGreaterThan(calls / STRIDE / 2);
  } finally {
    await machine.dispose();
  }
});

/** Three processes and a pipe: one counts, and another writes how far it is to a file. */
const COUNTER = `exec 3<>/tmp/never
while :; do i=$((i+1)); echo $i; read -t 0.001 -u 3; done | while read n; do echo $n >/tmp/count; done`;

/** Ways to restore what was captured: each gives the calls that it took in the target. */
const RESTORES = {
  async "as a whole"(from: Link, startTarget: () => Promise<Link>, pid: number): Promise<number> {
    const image = await from.ask("capture", [{ by: "pid", pid }], 10_000);
    const to = await startTarget();
    await to.ask("restore", image, 10_000);
    return to.calls();
  },
  async "of processes that were made ahead"(
    from: Link,
    startTarget: () => Promise<Link>,
    pid: number,
  ): Promise<number> {
    const outline = await from.ask("outline", [{ by: "pid", pid }], 10_000);
    const to = await startTarget();
    await to.ask("prepare", outline, 10_000);
    let calls = to.calls();
    await to.ask("refresh", await from.ask("changes", null, 10_000), 10_000);
    calls += to.calls();
    await from.ask("freeze", [{ by: "pid", pid }], 10_000);
    await to.ask("restoreChanges", await from.ask("captureChanges", null, 10_000), 10_000);
    return calls + to.calls();
  },
};

/** The user's processes of a guest, by number and name. */
async function processesOf(side: Side): Promise<string> {
  const all = await side.sh("ps -o pid,vsz,comm");
  const rows = all.split("\n").map((line) => line.trim().split(/\s+/));
  // Threads of the kernel have no memory.
  const own = rows.filter(([, size, name]) => size !== "0" && name !== "ps");
  return own.map(([pid, , name]) => `${pid ?? ""} ${name ?? ""}`).join("\n");
}

describe("whichever system call of a restore fails", () => {
  test.each(Object.entries(RESTORES))("%s", async (_, restore) => {
    const pair = await openPair(await twoKernels(await busybox()));
    const { source, target } = pair;
    try {
      for (const side of [source, target]) {
        await side.sh(`mkfifo /tmp/never; echo '${COUNTER}' >/tmp/counter`);
      }
      await source.sh(
        "(setsid sh /tmp/counter </dev/null >/dev/null 2>&1 & echo $! >/tmp/pid); sleep 1",
      );
      const pid = Number(await source.sh("cat /tmp/pid"));
      const count = async (at = source): Promise<number> => Number(await at.sh("cat /tmp/count"));
      const before = await processesOf(target);

      /** Restores with a failing call, if it is given a number, and lets the original go on. */
      async function tryRestore(failCall: number | null): Promise<number> {
        const from = await source.stub();
        let to: Link | null = null;
        try {
          return await restore(
            from,
            async () => {
              await meet(pair);
              return (to = await target.stub({ failCall }));
            },
            pid,
          );
        } finally {
          await from.ask("thaw", null, 10_000);
          await from.leave();
          // An assignment in a function that is called is not seen here.
          await (to as Link | null)?.leave();
        }
      }

      const calls = await tryRestore(null);
      let failures = 0;
      for (let call = 1; call <= calls; call += STRIDE) {
        const counted = await count();
        const outcome: unknown = await tryRestore(call).catch((error: unknown) => error);
        if (typeof outcome !== "number") {
          expect(outcome, `call ${call}`).toBeInstanceOf(CommandFailed);
          failures++;
        }
        await source.pass(50);
        expect(await count(), `after call ${call} failed`).toBeGreaterThan(counted);
        await target.pass(50);
        expect(await processesOf(target), `after call ${call} failed`).toBe(before);
      }
      // Some calls may fail without harm: those that only try something.
      expect(failures).toBeGreaterThan(calls / STRIDE / 2);
    } finally {
      await pair.dispose();
    }
  });
});
