import { prepareFollowed } from "../../experiment/preparation.js";
import { guestLogin } from "../../experiment/prepared-guest.js";
import { openConsole } from "../../machine/console.js";
import { createTextReader } from "../../machine/plain-text.js";
import { logIn } from "../../reboot/vm.js";
import type { Command } from "../context.js";
import { guestArgument } from "../options.js";
import { runSession } from "../terminal-session.js";

/** `console`: a terminal on a guest that has just booted. */
export const consoleCommand: Command = (cli, context) =>
  cli.command(
    "console <guest>",
    "use a guest: a terminal on its serial line, in real time",
    (yargs) =>
      yargs
        .positional("guest", guestArgument(context))
        .example("$0 console busybox", "Ctrl-] leaves it; nothing that is done in it is kept")
        .example("echo 'uname -r' | $0 console busybox", "run what a pipe types"),
    async ({ guest }) => {
      const prepared = await prepareFollowed(guest, context);
      const machine = await prepared.startMachine(guest);
      try {
        await machine.restoreSnapshot(prepared.bootSnapshot);
        const { stdin, stdout } = process;
        if (stdin.isTTY) {
          context.remark(`The console of ${guest}. Ctrl-] leaves it; nothing in it is kept.\n`);
        }
        // Nobody could answer in time what a shell asks its terminal: at first, and in a pipe always.
        let show: (bytes: Uint8Array) => string | Uint8Array = createTextReader();
        machine.onOutput(({ line, bytes }) => {
          if (line === 0) context.print(show(bytes));
        });
        await logIn(
          { machine, console: openConsole(machine, 0) },
          { login: guestLogin(prepared.recipe) },
        );
        if (stdin.isTTY) show = (bytes) => bytes;
        await runSession(machine, stdin, stdout, context.signal);
        context.print("\n");
      } finally {
        await machine.dispose();
      }
    },
  );
