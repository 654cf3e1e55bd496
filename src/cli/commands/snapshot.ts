import { readFile } from "node:fs/promises";
import { prepareFollowed } from "../../experiment/preparation.js";
import { snapshotAfter } from "../../experiment/save-snapshot.js";
import { writeAtomically } from "../../node/write-file.js";
import { decodeSnapshot, encodeSnapshot, readSnapshotHeader } from "../../storage/snapshot-file.js";
import { type Snapshot, SnapshotError } from "../../storage/snapshot.js";
import { type Command, type Context, UsageError } from "../context.js";
import { guestArgument, typedBefore } from "../options.js";
import { describeDifference, describeSnapshot } from "../snapshot-text.js";

/** `snapshot`: a whole machine in a file. */
export const snapshotCommand: Command = (cli, context) =>
  cli.command("snapshot", "save a machine in a file, look into it, compare two", (yargs) =>
    yargs
      .command(
        "save <guest>",
        "boot a guest and save its machine",
        (save) =>
          save
            .positional("guest", guestArgument(context))
            .option("out", { type: "string", demandOption: true, describe: "the file" })
            .option("run", { type: "string", describe: "shell command to run in the guest before" })
            .option("after", {
              type: "number",
              default: 0,
              describe: "ms of virtual time to let pass before",
            })
            .check(({ after }) => {
              if (Number.isFinite(after) && after >= 0) return true;
              throw new UsageError("--after takes a number of milliseconds that is not negative.");
            })
            .example("$0 snapshot save busybox --out booted.snapshot", "")
            .example("$0 snapshot save busybox --out a.snapshot --run 'echo hi >/home/a'", "")
            .example("$0 snapshot save busybox --out later.snapshot --after 5000", ""),
        ({ guest, out, run, after }) =>
          save(guest, out, { command: typedBefore(run).run, afterMs: after }, context),
      )
      .command(
        "info <file>",
        "the machine in a file, and its pages",
        (info) =>
          info
            .positional("file", { type: "string", demandOption: true, describe: "a snapshot" })
            .example("$0 snapshot info booted.snapshot", ""),
        async ({ file }) => {
          const bytes = await readSnapshotFile(file);
          const header = await inFile(file, readSnapshotHeader(bytes));
          context.print(describeSnapshot(header, await inFile(file, decodeSnapshot(bytes))));
        },
      )
      .command(
        "diff <first> <second>",
        "which pages of RAM and blocks of the disks differ",
        (diff) =>
          diff
            .positional("first", { type: "string", demandOption: true, describe: "a snapshot" })
            .positional("second", { type: "string", demandOption: true, describe: "another one" })
            .example("$0 snapshot diff booted.snapshot later.snapshot", ""),
        async ({ first, second }) => {
          context.print(describeDifference(await load(first), await load(second)));
        },
      )
      .demandCommand(1, "Say what to do with snapshots: save, info or diff."),
  );

async function save(
  guest: string,
  out: string,
  prelude: Parameters<typeof snapshotAfter>[1],
  context: Context,
): Promise<void> {
  const prepared = await prepareFollowed(guest, context);
  const snapshot = await snapshotAfter(prepared, prelude, context);
  context.show({ step: `write ${out}` });
  const comment = prelude.command === undefined ? guest : `${guest}, after: ${prelude.command}`;
  const file = await encodeSnapshot(snapshot, { comment: comment.slice(0, 1000) });
  context.signal.throwIfAborted();
  await writeAtomically(out, [file]).catch((cause: unknown) => {
    throw new SnapshotError(`cannot write ${out}: ${reasonOf(cause)}; choose another --out`, {
      cause,
    });
  });
  context.print(`${out}  ${(file.length / 1e6).toFixed(1)} MB\n`);
}

async function load(file: string): Promise<Snapshot> {
  return inFile(file, decodeSnapshot(await readSnapshotFile(file)));
}

async function readSnapshotFile(file: string): Promise<Uint8Array> {
  return readFile(file).catch((cause: unknown) => {
    throw new SnapshotError(`cannot read the snapshot ${file}: ${reasonOf(cause)}`, { cause });
  });
}

/** Names the file in what is wrong with it. */
async function inFile<T>(file: string, work: Promise<T>): Promise<T> {
  return work.catch((cause: unknown) => {
    throw new SnapshotError(`${file}: ${reasonOf(cause)}`, { cause });
  });
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
