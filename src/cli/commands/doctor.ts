import { columns } from "../columns.js";
import type { Command } from "../context.js";
import { CHECKS } from "../doctor.js";

/** `doctor`: whether all that a run needs is there. */
export const doctorCommand: Command = (cli, { show, signal, print }) =>
  cli.command(
    "doctor",
    "check all that a run needs, and say how to mend what is wrong",
    (yargs) => yargs.example("$0 doctor", "ends with status 0 if a run would work, else 1"),
    async () => {
      const rows: string[][] = [];
      for (const { name, examine } of CHECKS) {
        signal.throwIfAborted();
        show({ step: `check: ${name}` });
        try {
          rows.push(["good", name, await examine()]);
        } catch (error) {
          rows.push(["BAD", name, error instanceof Error ? error.message : String(error)]);
          process.exitCode = 1;
        }
      }
      print(columns(rows));
    },
  );
