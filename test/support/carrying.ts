import { type CarryOver, createCarryOver } from "../../src/carry-over/carry-over.js";
import type { Policy } from "../../src/carry-over/policy.js";
import type { CommandLink } from "../../src/guest/command-link.js";
import type { ProcessCommands } from "../../src/process/engine.js";
import type { PreparedGuest } from "../../src/experiment/prepared-guest.js";
import { openPair, type Pair, type Side } from "./moving.js";

/** A guest twice: the original, and a fork of it that stands for the rebooted system. */
export interface Twins extends Pair {
  readonly original: CommandLink<ProcessCommands>;
  readonly rebooted: CommandLink<ProcessCommands>;
  /** Takes the state of both as that of the VM fork. */
  begin(options?: {
    readonly policy?: Policy;
    readonly ours?: readonly string[];
    readonly theirs?: readonly string[];
  }): Promise<CarryOver>;
}

const WALK_MS = 60_000;

/** Starts both, and a stub in each. */
export async function openTwins(guest: PreparedGuest): Promise<Twins> {
  const pair = await openPair({ guest, before: guest.bootSnapshot, after: guest.bootSnapshot });
  const [original, rebooted] = [await pair.source.stub(), await pair.target.stub()];
  return {
    ...pair,
    original,
    rebooted,
    async begin({ policy = [], ours = [], theirs = [] } = {}) {
      const base = await rebooted.ask("walkFiles", null, WALK_MS);
      return createCarryOver({
        ...{ original, rebooted, base, policy, ours, theirs },
        forkNs: base.atNs + 1n,
        shutdown: null,
        expectedNs: () => 0n,
        copied: () => Promise.resolve(),
      });
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

/** A program for Python that prints each file below some paths, with all that it is. */
export const TREE_PROGRAM = `
import os, sys, stat, zlib
def crc(path):
    value = 0
    with open(path, "rb") as file:
        while True:
            data = file.read(1 << 20)
            if not data: return value
            value = zlib.crc32(data, value)
def show(path):
    s = os.lstat(path)
    kind = stat.S_IFMT(s.st_mode)
    line = [path, oct(s.st_mode), s.st_uid, s.st_gid, s.st_rdev]
    if kind != stat.S_IFDIR: line += [s.st_mtime_ns, s.st_nlink]
    if kind == stat.S_IFREG: line += [s.st_size, crc(path)]
    if kind == stat.S_IFLNK: line.append(os.readlink(path))
    line += [(n, os.getxattr(path, n, follow_symlinks=False).hex()) for n in sorted(os.listxattr(path, follow_symlinks=False))]
    print(*line)
for top in sys.argv[1:]:
    if not os.path.lexists(top): continue
    show(top)
    for folder, folders, files in os.walk(top):
        folders.sort()
        for name in sorted(folders + files): show(os.path.join(folder, name))
`;
