import { readFile, stat } from "node:fs/promises";
import path from "node:path";
import type { Argv } from "yargs";
import { formatDuration } from "../../experiment/duration.js";
import { followedBuild, prepareFollowed } from "../../experiment/preparation.js";
import { type ImportedGuest, importGuest, type ImportOptions } from "../../images/import.js";
import { LARGEST_DISK, mebibytes } from "../../images/import-source.js";
import { columns } from "../columns.js";
import { type Context, UsageError } from "../context.js";

/** `images import`: a guest of any system that the emulated PC can run. */
export function addImport(cli: Argv, context: Context): Argv {
  return cli.command(
    "import <file>",
    "make a guest of a system of your own: a raw disk image, or a tarball of its root",
    (yargs) =>
      yargs
        .positional("file", {
          type: "string",
          demandOption: true,
          describe: "disk image or tarball",
        })
        .option("name", { type: "string", demandOption: true, describe: "what to call the guest" })
        .option("user", { type: "string", default: "root", describe: "who logs in" })
        .option("login-prompt", {
          type: "string",
          default: "^(?!Last )\\S+ login: $",
          describe: "what the guest prints when it waits for a user name, as a regular expression",
        })
        .option("shell-prompt", {
          type: "string",
          default: "[#$] $",
          describe: "what it prints when that user's shell waits for a command",
        })
        .option("memory", { type: "number", default: 256, describe: "of the machine, in MiB" })
        .option("kernel", {
          type: "string",
          describe:
            "of a tarball: start with the kernel whose release holds this  [default: the oldest]",
        })
        .example("$0 images import root.tar.gz --name mine", "")
        .example("$0 images import disk.img --name mine --memory 512", "")
        .example("$0 update mine --update restart --strategy shadow", ""),
    async ({ file, name, user, loginPrompt, shellPrompt, memory, kernel }) => {
      for (const pattern of [loginPrompt, shellPrompt]) checkPattern(pattern);
      if (!Number.isInteger(memory) || memory < 64 || memory > 1024) {
        throw new UsageError("--memory is a whole number of MiB between 64 and 1024.");
      }
      const options: ImportOptions = {
        ...(await followedBuild(name, context)),
        name,
        user,
        loginPrompt,
        shellPrompt,
        memoryMegabytes: memory,
        kernel: kernel ?? null,
      };
      const imported = await importGuest(await contentOf(file), path.basename(file), options);
      context.print(describe(name, imported));
      const { bootSnapshot } = await prepareFollowed(name, context);
      const boot = formatDuration(bootSnapshot.clock);
      context.print(`It boots to "${loginPrompt}" in ${boot} of virtual time.\n`);
    },
  );
}

function checkPattern(pattern: string): void {
  try {
    new RegExp(pattern);
  } catch {
    throw new UsageError(`"${pattern}" is not a regular expression.`);
  }
}

/** @throws {UsageError} if it cannot be had as a whole */
async function contentOf(file: string): Promise<Uint8Array> {
  const found = await stat(file).catch(() => null);
  if (found?.isDirectory() === true) {
    throw new UsageError(
      `${file} is a directory: pack it as root with "tar --numeric-owner -C ${file} -czf root.tar.gz .", and import that.`,
    );
  }
  if (found !== null && found.size > LARGEST_DISK) {
    throw new UsageError(
      `${file} has ${mebibytes(found.size)} MiB, and ${mebibytes(LARGEST_DISK)} is the most that can be imported: ` +
        "shrink the disk, or pack the files of its system with tar.",
    );
  }
  try {
    return await readFile(file);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new UsageError(`${file} cannot be read: ${reason}.`, { cause });
  }
}

function describe(name: string, { system, recipe, changes }: ImportedGuest): string {
  const { init, initPath, kernels } = system;
  return columns([
    ["guest", name],
    ["init", `${init} (${initPath})`],
    ...kernels.map(({ release, initrd }) => [
      "kernel",
      `${release}${initrd === null ? ", without an initramfs" : ""}`,
    ]),
    ...changes.map((change) => ["changed", change]),
    ["updates", Object.keys(recipe.updates).join(", ")],
  ]);
}
