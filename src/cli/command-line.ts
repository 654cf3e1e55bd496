import { readFileSync } from "node:fs";
import yargs, { type Argv } from "yargs";
import { z } from "zod";
import { compareCommand } from "./commands/compare.js";
import { consoleCommand } from "./commands/console.js";
import { doctorCommand } from "./commands/doctor.js";
import { imagesCommand } from "./commands/images.js";
import { processCommand } from "./commands/process.js";
import { reproduceCommand } from "./commands/reproduce.js";
import { snapshotCommand } from "./commands/snapshot.js";
import { updateCommand } from "./commands/update.js";
import { type Context, UsageError } from "./context.js";

const COMMANDS = [
  compareCommand,
  updateCommand,
  consoleCommand,
  imagesCommand,
  snapshotCommand,
  processCommand,
  reproduceCommand,
  doctorCommand,
];

const WIDEST = 100;

/** The whole command line; what its parsing throws is a {@link UsageError}, or comes from a command. */
export function commandLine(context: Context): Argv {
  const cli = yargs()
    .scriptName("shadow-reboot")
    .usage("$0 <command>\n\nUpdates a running Linux guest behind its user's back, and measures it.")
    .example(
      "$0 compare busybox",
      "update a guest by three strategies; their downtimes side by side",
    )
    .example("$0 console busybox", "use the guest yourself")
    .example("$0 <command> --help", "what a command takes, with examples")
    .epilogue(
      "The guests' disks are kept in a cache folder; SHADOW_REBOOT_CACHE chooses another one.\n" +
        "SHADOW_REBOOT_MIRROR is the address of the Debian mirror, where apt knows none.\n" +
        "SHADOW_REBOOT_DEBUG=1 shows where in the program an error came from.",
    )
    .version(version())
    .locale("en")
    .strict()
    .recommendCommands()
    .demandCommand(1, "Name a command.")
    .check(checkGivenOnce)
    .exitProcess(false);
  for (const add of COMMANDS) add(cli, context);
  return cli
    .wrap(Math.min(WIDEST, process.stderr.columns || process.stdout.columns || WIDEST))
    .fail((message: string | null, error: Error | undefined, used) => {
      // yargs has a message of its own for wrong usage only; else it passes on what a command threw.
      if (message === null && error !== undefined) throw error;
      // Unlike its type, this is where yargs has the text of the help.
      const [usage = ""] = String(used.help()).split("\n");
      throw new UsageError(`${message ?? "wrong usage"}\n${wayOut(usage)}`, { cause: error });
    });
}

/**
 * Refuses a second value for an option that takes one: yargs makes an array of them.
 *
 * @param options unlike its type, this is where yargs has what it knows of the options
 * @throws {UsageError} naming the option
 */
function checkGivenOnce(argv: Readonly<Record<string, unknown>>, options: unknown): true {
  const { array } = z.object({ array: z.array(z.string()) }).parse(options);
  for (const [name, value] of Object.entries(argv)) {
    // An option of several words is there a second time, in camel case.
    if (!Array.isArray(value) || name === "_" || array.includes(name) || /[A-Z]/.test(name))
      continue;
    throw new UsageError(`--${name} is given more than once.`);
  }
  return true;
}

/** Tells where the command that was meant is explained. */
function wayOut(usage: string): string {
  const command = usage.replace(/ [<[].*$/, "");
  return `Usage: ${usage} ("${command} --help" tells more)`;
}

function version(): string {
  const manifest = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  return z.object({ version: z.string() }).parse(JSON.parse(manifest)).version;
}
