import { readFile } from "node:fs/promises";
import { prepareFollowed } from "../../experiment/preparation.js";
import type { PreparedGuest } from "../../experiment/prepared-guest.js";
import {
  captureGuestProcesses,
  listGuestProcesses,
  restoreGuestProcesses,
} from "../../experiment/process-work.js";
import { updatedSnapshot } from "../../experiment/updated-snapshot.js";
import { writeAtomically } from "../../node/write-file.js";
import type { TreeImage } from "../../process/image.js";
import { decodeImage, encodeImage, ImageFileError } from "../../process/image-file.js";
import type { Selection } from "../../process/select.js";
import { decodeSnapshot } from "../../storage/snapshot-file.js";
import { type Snapshot, SnapshotError } from "../../storage/snapshot.js";
import { type Command, type Context, UsageError } from "../context.js";
import { checkUpdate, guestArgument, typedBefore } from "../options.js";
import { describeImage, describeProcesses, imageAsJson } from "../process-text.js";

/** `process`: running programs in a file, and on another kernel. */
export const processCommand: Command = (cli, context) =>
  cli.command("process", "save running programs in a file, and let them go on elsewhere", (yargs) =>
    yargs
      .command(
        "list <guest>",
        "the processes of a guest that has booted, or of a snapshot of it",
        (list) =>
          list
            .positional("guest", guestArgument(context))
            .option("snapshot", snapshotOption)
            .example("$0 process list busybox", "")
            .example("$0 process list busybox --snapshot a.snapshot", ""),
        async ({ guest, snapshot }) => {
          const { prepared, machine } = await prepare(guest, snapshot, context);
          context.print(describeProcesses(await listGuestProcesses(prepared, machine, context)));
        },
      )
      .command(
        "capture <guest>",
        "save processes in a file, with all that descend from them",
        (capture) =>
          capture
            .positional("guest", guestArgument(context))
            .option("keep", {
              type: "string",
              demandOption: true,
              describe: "which: a process id, a name, or session:ID",
            })
            .option("out", { type: "string", demandOption: true, describe: "the file" })
            .option("run", { type: "string", describe: "shell command to run in the guest before" })
            .option("snapshot", snapshotOption)
            .example(
              "$0 process capture busybox --run 'sleep 999 &' --keep sleep --out a.image",
              "",
            )
            .example(
              "$0 process capture busybox --snapshot a.snapshot --keep 123 --out a.image",
              "",
            )
            .example("$0 process capture busybox --keep session:123 --out a.image", ""),
        async ({ guest, keep, out, run, snapshot }) => {
          const selection = parseSelection(keep);
          const command = typedBefore(run).run ?? null;
          const { prepared, machine } = await prepare(guest, snapshot, context);
          const what = { keep: selection, command };
          const image = await captureGuestProcesses(prepared, machine, what, context);
          const file = await encodeImage(image);
          context.signal.throwIfAborted();
          await writeAtomically(out, [file]).catch((cause: unknown) => {
            throw new ImageFileError(
              `cannot write ${out}: ${reasonOf(cause)}; choose another --out`,
              { cause },
            );
          });
          const count = image.processes.length;
          const noun = count === 1 ? "process" : "processes";
          context.print(`${out}  ${count} ${noun}, ${(file.length / 1e3).toFixed(1)} kB\n`);
        },
      )
      .command(
        "show <file>",
        "what is in a file of processes",
        (show) =>
          show
            .positional("file", { type: "string", demandOption: true, describe: "an image" })
            .option("json", {
              type: "boolean",
              default: false,
              describe: "print one JSON document",
            })
            .example("$0 process show a.image", "")
            .example("$0 process show a.image --json", "bytes by their number only"),
        async ({ file, json }) => {
          const image = await load(file);
          context.print(json ? imageAsJson(image) : describeImage(image));
        },
      )
      .command(
        "restore <file> <guest>",
        "let the processes in a file go on in a guest that runs another kernel, and watch them",
        (restore) =>
          restore
            .positional("file", { type: "string", demandOption: true, describe: "an image" })
            .positional("guest", guestArgument(context))
            .option("update", {
              type: "string",
              default: "kernel",
              describe: "which of the guest's updates it has booted",
            })
            .option("for", {
              type: "number",
              default: 2000,
              describe: "ms of virtual time to watch",
            })
            .check(({ for: watch }) => {
              if (Number.isFinite(watch) && watch >= 0) return true;
              throw new UsageError("--for takes a number of milliseconds that is not negative.");
            })
            .example("$0 process restore a.image busybox", "prints what the console shows for 2 s")
            .example("$0 process restore a.image busybox --for 10000", ""),
        async ({ file, guest, update, for: forMs }) => {
          await checkUpdate(guest, update);
          const image = await load(file);
          const prepared = await prepareFollowed(guest, context);
          const machine = await updatedSnapshot(prepared, update, context);
          await restoreGuestProcesses(prepared, machine, { image, forMs }, context);
        },
      )
      .demandCommand(1, "Say what to do with processes: list, capture, show or restore."),
  );

const snapshotOption = {
  type: "string",
  describe: "a machine of this guest in a file, instead of the one that has booted",
} as const;

/** Reads `123`, `session:123` or a name. */
function parseSelection(text: string): Selection {
  const session = /^session:(\d+)$/.exec(text)?.[1];
  if (session !== undefined) return { by: "session", session: Number(session) };
  if (/^\d+$/.test(text)) return { by: "pid", pid: Number(text) };
  if (text === "") throw new UsageError("--keep takes a process id, a name, or session:ID.");
  return { by: "name", name: text };
}

async function prepare(
  guest: string,
  snapshot: string | undefined,
  context: Context,
): Promise<{ prepared: PreparedGuest; machine: Snapshot }> {
  // Before the guest, which may have to be built.
  const machine = snapshot === undefined ? null : await loadSnapshot(snapshot);
  const prepared = await prepareFollowed(guest, context);
  return { prepared, machine: machine ?? prepared.bootSnapshot };
}

async function loadSnapshot(file: string): Promise<Snapshot> {
  return readFile(file)
    .then(decodeSnapshot)
    .catch((cause: unknown) => {
      throw new SnapshotError(`${file}: ${reasonOf(cause)}`, { cause });
    });
}

async function load(file: string): Promise<TreeImage> {
  return readFile(file)
    .then(decodeImage)
    .catch((cause: unknown) => {
      throw new ImageFileError(`${file}: ${reasonOf(cause)}`, { cause });
    });
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
