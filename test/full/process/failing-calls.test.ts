import { expect, test } from "vitest";
import { after } from "../../../src/clock/virtual-time.js";
import { guestLogin } from "../../../src/experiment/prepared-guest.js";
import { CommandFailed, linkStub, type StubStarter } from "../../../src/guest/command-link.js";
import { openConsole } from "../../../src/machine/console.js";
import type { ProcessCommands } from "../../../src/process/engine.js";
import { logIn, runCommand } from "../../../src/reboot/vm.js";
import { busybox } from "../../support/busybox.js";

/**
 * Which of the system calls of a capture fails: every one in turn takes half an hour, so by default each
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
      await link.ask("thaw", null, 10_000);
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
