import { expect } from "vitest";
import { type CarryOver, createCarryOver } from "../../src/carry-over/carry-over.js";
import type { Policy } from "../../src/carry-over/policy.js";
import type { Walk } from "../../src/carry-over/walk.js";
import { type CommandLink, linkStub } from "../../src/guest/command-link.js";
import type { ProcessCommands } from "../../src/process/engine.js";
import type { PreparedGuest } from "../../src/experiment/prepared-guest.js";
import { loadGuest } from "../../src/images/build.js";
import { openCache } from "../../src/node/cache.js";
import { writePages } from "../../src/storage/pages.js";
import { checkDisk } from "./check-disk.js";
import { MUTATE_PROGRAM, OLDER_PROGRAM, TREE_PROGRAM } from "./file-programs.js";
import { openPair, type Pair, type Side } from "./moving.js";
import { workbench } from "./workbench.js";

/** A guest twice: the original, and a fork of it that stands for the rebooted system. */
export interface Twins extends Pair {
  /** Stubs in both, from the fork on. */
  readonly original: CommandLink<ProcessCommands>;
  readonly rebooted: CommandLink<ProcessCommands>;
  /** Makes the target a fork of the source as it is now. */
  fork(): Promise<void>;
  /** Begins to carry over what has changed since the fork. */
  carryOver(options?: {
    readonly policy?: Policy;
    readonly ours?: readonly string[];
    readonly theirs?: readonly string[];
  }): CarryOver;
  /** Carries the rest, and lets the original's system disk be written to again. */
  finish(files: CarryOver): Promise<void>;
}

/** What there is from a fork on. */
interface Forked {
  readonly original: Twins["original"];
  readonly rebooted: Twins["rebooted"];
  readonly base: Walk;
}

const WALK_MS = 60_000;
const SYSTEM_DISK = 0;
const ROOT = { device: "", path: "/", type: "" };
const COMMAND_MS = 10_000;

/**
 * Starts both.
 *
 * @param startStub starts the stub in one of them
 */
export async function openTwins(
  guest: PreparedGuest,
  startStub: (side: Side) => Promise<Twins["original"]> = (side) => side.stub(),
): Promise<Twins> {
  const pair = await openPair({ guest, before: guest.bootSnapshot, after: guest.bootSnapshot });
  const { source, target } = pair;
  let since: Forked | null = null;
  function forked(): Forked {
    if (since === null) throw new Error("there was no fork yet");
    return since;
  }
  return {
    ...pair,
    get original() {
      return forked().original;
    },
    get rebooted() {
      return forked().rebooted;
    },
    async fork() {
      await since?.original.leave();
      await target.machine.restoreSnapshot(await source.machine.takeSnapshot());
      const [original, rebooted] = [await startStub(source), await startStub(target)];
      since = { original, rebooted, base: await rebooted.ask("walkFiles", null, WALK_MS) };
    },
    carryOver({ policy = [], ours = [], theirs = [] } = {}) {
      const { original, rebooted, base } = forked();
      return createCarryOver({
        ...{ original, rebooted, base, policy, ours, theirs },
        // Nothing goes on in the twins between the fork and the walk.
        forkNs: base.atNs + 1n,
        shutdown: null,
        expectedNs: () => 0n,
        copied: () => Promise.resolve(),
      });
    },
    async finish(files) {
      await files.finish();
      await forked().original.ask("thawFileSystem", ROOT, COMMAND_MS);
    },
  };
}

/** Puts a text into a file of a guest. */
export async function putText(side: Side, path: string, text: string): Promise<void> {
  await side.sh(`: >${path}`);
  const coded = Buffer.from(text).toString("base64");
  for (let at = 0; at < coded.length; at += 600) {
    await side.sh(`echo -n ${coded.slice(at, at + 600)} >>${path}.coded`);
  }
  await side.sh(`base64 -d ${path}.coded >${path}; rm ${path}.coded`);
}

/** Starts a stub for which a filter of system calls makes the guest's kernel as old as those of 2017. */
export async function stubOnOlderKernel(side: Side): Promise<Twins["original"]> {
  await putText(side, "/tmp/older.py", OLDER_PROGRAM);
  return linkStub<ProcessCommands>(side.machine, {
    async start() {
      await side.sh("(python3 /tmp/older.py /sbin/stub &)");
    },
    wake: null,
    async advance(until) {
      await side.machine.run({ until });
    },
  });
}

/** What a person sees of the files below a directory, by their paths. */
export async function tree(side: Side, directory: string): Promise<Map<string, string>> {
  const lines = (await side.sh(`python3 /tmp/tree.py ${directory}`)).trim().split("\n");
  return new Map(lines.map((line) => [line.split(" ")[0] ?? "", line]));
}

/** Has a folder's files changed at random, by a seed, in so many ways. */
export async function mutate(
  side: Side,
  directory: string,
  seed: number,
  count: number,
): Promise<void> {
  await side.sh(`python3 /tmp/mutate.py ${directory} ${seed} ${count}; sync`);
}

/** Starts twins of the guest `workbench` with the programs that look at files and change them. */
export async function twinsWithPrograms(
  startStub?: Parameters<typeof openTwins>[1],
): Promise<Twins> {
  const twins = await openTwins(await workbench(), startStub);
  await putText(twins.source, "/tmp/tree.py", TREE_PROGRAM);
  await putText(twins.source, "/tmp/mutate.py", MUTATE_PROGRAM);
  return twins;
}

/** Has Debian's e2fsck look at the rebooted system's disk. */
export async function checkRebooted({ target, rebooted }: Twins): Promise<void> {
  await rebooted.ask("freezeFileSystem", ROOT, COMMAND_MS);
  const overlay = await target.machine.diskOverlay(SYSTEM_DISK);
  await rebooted.ask("thawFileSystem", ROOT, COMMAND_MS);
  const guest = await loadGuest("workbench", {
    cache: await openCache(),
    progress: () => undefined,
  });
  const image = guest.disks[SYSTEM_DISK]?.base.slice() ?? new Uint8Array();
  writePages(image, overlay);
  const { status, output } = await checkDisk(image);
  expect(output).toContain("Pass 5");
  expect(status, output).toBe(0);
}
