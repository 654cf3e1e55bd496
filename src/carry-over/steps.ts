/** What is to be done in the rebooted system, in an order in which it can be done. */
import type { Decision } from "./decide.js";
import { type Entry, isOf, type Manifest, parentOf } from "./entry.js";

/** One thing to be done. Content lies in the staging directory, under a number. */
export type Step =
  | { readonly do: "remove"; readonly path: string; readonly directory: boolean }
  /** A directory: it is made if it is not there. */
  | { readonly do: "directory"; readonly path: string; readonly entry: Entry }
  /** A regular file, a symbolic link, or a node. */
  | { readonly do: "place"; readonly path: string; readonly entry: Entry; readonly number: number }
  /** One more name of a file that stands in its place already. */
  | { readonly do: "link"; readonly path: string; readonly to: string; readonly number: number }
  | { readonly do: "append"; readonly path: string; readonly number: number }
  /** The times of a directory in which all else is done, in ns since 1970. */
  | ({ readonly do: "date"; readonly path: string } & Pick<Entry, "accessedNs" | "changedNs">);

/** What is to be read of the original, and what is to be done with it: a step's number is the index in `wanted`. */
export interface Work {
  readonly wanted: readonly { readonly path: string; readonly from: number; readonly to: number }[];
  readonly steps: readonly Step[];
}

/**
 * Turns decisions into steps.
 *
 * @param original the original's files as they are now, those that are carried with all that is known of them
 * @param forkNs when the VM fork was, in ns since 1970
 */
export function stepsFor(
  decisions: readonly Decision[],
  original: Manifest,
  rebooted: Manifest,
  forkNs: bigint,
): Work {
  const wanted: { path: string; from: number; to: number }[] = [];
  const removals: Step[] = [];
  const directories: Step[] = [];
  const files: Step[] = [];
  const links: Step[] = [];
  const appends: Step[] = [];
  const placed = new Map<number, string>();
  const dated = new Set<string>();

  function want(path: string, from: number, to: number): number {
    return wanted.push({ path, from, to }) - 1;
  }

  function place(path: string, source: string, entry: Entry): void {
    const first = placed.get(entry.inode);
    const isFile = isOf("regular", entry);
    const number = want(source, 0, isFile && first === undefined ? entry.size : 0);
    if (first === undefined) files.push({ do: "place", path, entry, number });
    else links.push({ do: "link", path, to: first, number });
    if (entry.links > 1) placed.set(entry.inode, first ?? path);
  }

  for (const { path, action, from } of decisions) {
    const [ours, theirs] = [original.get(path), rebooted.get(path)];
    if (action === "keep" || action === "conflict") continue;
    dated.add(parentOf(path));
    if (action === "append" && ours !== undefined) {
      appends.push({ do: "append", path, number: want(path, from, ours.size) });
    } else if (action === "beside" && ours !== undefined) {
      place(nameBeside(path, forkNs), path, ours);
    } else if (action === "carry") {
      const isDirectory = isOf("directory", theirs);
      if (theirs !== undefined && (ours === undefined || isDirectory !== isOf("directory", ours))) {
        removals.push({ do: "remove", path, directory: isDirectory });
      }
      if (ours === undefined) continue;
      if (isOf("directory", ours)) {
        directories.push({ do: "directory", path, entry: ours });
        dated.add(path);
      } else place(path, path, ours);
    }
  }
  const steps = [...removals.reverse(), ...directories, ...files, ...links, ...appends];
  // The staging directory is made there.
  if (steps.length > 0) dated.add("/");
  const gone = new Set(removals.map(({ path }) => path));
  for (const path of dated) {
    if (isOf("directory", original.get(path)) || !gone.has(path))
      steps.push(...dateOf(path, original, rebooted));
  }
  return { wanted, steps };
}

/** A directory has changed when the later of the two has; none if it is to be none. */
function dateOf(path: string, original: Manifest, rebooted: Manifest): Step[] {
  const both = [original.get(path), rebooted.get(path)];
  const found = both.filter((entry) => entry !== undefined && isOf("directory", entry));
  const latest = found.reduce<Entry | undefined>(
    (a, b) => (a !== undefined && b !== undefined && a.changedNs > b.changedNs ? a : b),
    undefined,
  );
  if (latest === undefined) return [];
  const { accessedNs, changedNs } = latest;
  return [{ do: "date", path, accessedNs, changedNs }];
}

/** The name for the original's version of a file beside the rebooted system's: the time of the VM fork is in it. */
export function nameBeside(path: string, forkNs: bigint): string {
  const directory = path.slice(0, path.lastIndexOf("/") + 1);
  const name = path.slice(directory.length);
  const dot = name.lastIndexOf(".");
  const stem = dot > 0 ? name.slice(0, dot) : name;
  const ending = dot > 0 ? name.slice(dot) : "";
  return `${directory}${stem}.original-${forkNs / 1_000_000_000n}${ending}`;
}
