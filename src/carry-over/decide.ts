/**
 * The three-way decision: what becomes of each file that the original system has changed since the VM fork.
 * What only the rebooted system has changed stays as it is there.
 */
import { ancestorsOf, type Entry, isAlike, isOf, isUntouched, isWithin } from "./entry.js";
import { type Manifest, parentOf } from "./entry.js";
import type { Rule } from "./policy.js";

/** One system's files, before and now. */
export interface Change {
  readonly before: Manifest;
  readonly now: Manifest;
}

/** By what files are judged. */
export interface Judgement {
  readonly ruleFor: (path: string) => Rule | null;
  /** Paths for which, with all below them, the original's version is wanted, and the rebooted system's. */
  readonly ours: readonly string[];
  readonly theirs: readonly string[];
  /**
   * Where other file systems are mounted in the rebooted system: what the original has there on its system
   * disk cannot be reached in the other, and is kept behind.
   */
  readonly mounts: readonly string[];
  /**
   * From the beginning of the shutdown to the reset, by the clock of the reboot-dedicated VM in ns. What was
   * changed then was changed by copies of the original's programs on their way down. Null if the clock is not
   * to be trusted.
   */
  readonly shutdown: { readonly fromNs: bigint; readonly toNs: bigint } | null;
}

/** What becomes of a file. */
export interface Decision {
  readonly path: string;
  /**
   * `carry`: as it is in the original, which may be that it is not there. `keep`: as it is in the rebooted
   * system. `append`, `beside`: see the policy. `conflict`: nobody can tell.
   */
  readonly action: "carry" | "keep" | "append" | "beside" | "conflict";
  /** Why, for a person. */
  readonly why: string;
  /** For `append`: what of the original's file is appended begins here, in bytes. */
  readonly from: number;
}

/** Whether a decision brings something of the original's into the rebooted system. */
export function isCarried({ action }: Pick<Decision, "action">): boolean {
  return action === "carry" || action === "append" || action === "beside";
}

/** Why a file stays behind that another file system lies over. */
export const MOUNTED_OVER = "another file system is mounted there in the rebooted system";
const ONLY_ORIGINAL = "only the original has changed it";

/** Decides about all files that the original has changed, in the order of their paths. */
export function decide(original: Change, rebooted: Change, judgement: Judgement): Decision[] {
  const paths = new Set([...original.before.keys(), ...original.now.keys()]);
  const changed = [...paths].filter(
    (path) => !isUntouched(original.before.get(path), original.now.get(path)),
  );
  return changed.sort().flatMap((path) => decideOne(path, original, rebooted, judgement) ?? []);
}

function decideOne(
  path: string,
  original: Change,
  rebooted: Change,
  judgement: Judgement,
): Decision | null {
  const [before, ours] = [original.before.get(path), original.now.get(path)];
  const [theirsBefore, theirs] = [rebooted.before.get(path), rebooted.now.get(path)];
  const isHidden = judgement.mounts.some((mount) => isWithin(path, mount));
  if (ours === undefined && theirs === undefined && !isHidden) return null;
  const as = (action: Decision["action"], why: string, from = 0): Decision => ({
    ...{ path, action, why, from },
  });

  const settled = settlementOf(path, judgement);
  if (settled === "ours" && !isHidden) return as("carry", "settled by --ours");
  if (settled === "theirs") return as("keep", "settled by --theirs");

  const rule = judgement.ruleFor(path);
  if (rule?.files === "stay") return as("keep", rule.why);
  if (isHidden) return as("keep", MOUNTED_OVER);
  if (rule?.files === "append" && isOf("regular", ours) && isOf("regular", theirs)) {
    return as("append", rule.why, grownFrom(before, ours));
  }
  if (isUntouched(theirsBefore, theirs)) return as("carry", ONLY_ORIGINAL);

  const isKnown = theirs !== undefined && !isOf("regular", theirs);
  if (ours !== undefined && isKnown && isAlike(ours, theirs)) return null;
  if (rule?.files === "original") return as("carry", rule.why);
  if (rule?.files === "rebooted") return as("keep", rule.why);
  if (rule?.files === "beside" && isOf("regular", ours) && theirs !== undefined) {
    return as("beside", rule.why);
  }
  if (isOfShutdown(path, rebooted.now, judgement)) {
    return as("carry", "of the rebooted system only its shutdown has changed it");
  }
  return as("conflict", conflictOf(before, ours, theirs));
}

/** What a person has settled for a path or for a directory above it; the nearest one counts. */
export function settlementOf(path: string, { ours, theirs }: Judgement): "ours" | "theirs" | null {
  for (const each of [path, ...ancestorsOf(path).reverse(), "/"]) {
    if (ours.includes(each)) return "ours";
    if (theirs.includes(each)) return "theirs";
  }
  return null;
}

/** Where a log has grown from; all of it counts as grown if it is another file than before. */
function grownFrom(before: Entry | undefined, ours: Entry | undefined): number {
  const isSame = isOf("regular", before) && before?.inode === ours?.inode;
  const from = isSame ? (before?.size ?? 0) : 0;
  return from <= (ours?.size ?? 0) ? from : 0;
}

/** Whether what the rebooted system has done to a file was done before its reset. */
function isOfShutdown(path: string, theirs: Manifest, { shutdown }: Judgement): boolean {
  if (shutdown === null) return false;
  const there = theirs.get(path);
  if (there !== undefined) return isDuring(there, shutdown);
  // When a file was deleted is told by the directory that it was in.
  for (let above = parentOf(path); ; above = parentOf(above)) {
    const directory = theirs.get(above);
    if (directory !== undefined) return isDuring(directory, shutdown);
    if (above === "/") return false;
  }
}

function isDuring(
  { statusNs }: Entry,
  { fromNs, toNs }: { readonly fromNs: bigint; readonly toNs: bigint },
): boolean {
  return statusNs >= fromNs && statusNs < toNs;
}

function conflictOf(
  before: Entry | undefined,
  ours: Entry | undefined,
  theirs: Entry | undefined,
): string {
  if (ours === undefined) return "the original has deleted it, the rebooted system has changed it";
  if (theirs === undefined)
    return "the original has changed it, the rebooted system has deleted it";
  return before === undefined ? "both systems have made it" : "both systems have changed it";
}
