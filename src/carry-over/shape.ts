/**
 * Makes single decisions fit together to a tree: what is carried has the directories that it lies in, and no
 * directory goes while something that stays is in it, or is mounted in it.
 */
import { ancestorsOf, type Entry, isOf, isWithin, type Manifest } from "./entry.js";
import { type Decision, type Judgement, MOUNTED_OVER, settlementOf } from "./decide.js";

/** Decisions that fit together, in the order of their paths. */
export function shape(
  decisions: readonly Decision[],
  original: Manifest,
  rebooted: Manifest,
  judgement: Judgement,
): Decision[] {
  const shaped = new Map(decisions.map((decision) => [decision.path, decision]));
  const put = (path: string, action: Decision["action"], why: string): void => {
    shaped.set(path, { path, action, why, from: 0 });
  };
  const isCarried = (path: string): boolean => shaped.get(path)?.action === "carry";
  const inTheEnd = (path: string): Entry | undefined =>
    isCarried(path) ? original.get(path) : rebooted.get(path);
  const carried = (): string[] => [...shaped.keys()].filter(isCarried).sort();

  // From above, so that a directory that is settled one way takes with it what is in it.
  for (const path of carried()) {
    if (!original.has(path)) continue;
    for (const above of ancestorsOf(path)) {
      if (!isCarried(path)) break;
      const there = inTheEnd(above);
      if (isOf("directory", there)) continue;
      if (there === undefined) {
        put(above, "carry", "it holds what is carried");
        continue;
      }
      const settled = settlementOf(above, judgement);
      if (settled === "ours") put(above, "carry", "settled by --ours");
      else if (settled === "theirs") put(path, "keep", "settled by --theirs");
      else {
        put(
          above,
          "conflict",
          "it is a directory with changes in the original, and none in the rebooted system",
        );
        break;
      }
    }
  }

  // From below, so that a directory that stays lets those above it stay.
  for (const path of carried().reverse()) {
    if (!isOf("directory", rebooted.get(path)) || isOf("directory", original.get(path))) continue;
    // Whoever wants it gone: the kernel does not remove what something is mounted in.
    if (judgement.mounts.some((mount) => isWithin(mount, path))) {
      put(path, "keep", MOUNTED_OVER);
      continue;
    }
    const left = below(path, rebooted).filter((each) => inTheEnd(each) !== undefined);
    if (left.length === 0) continue;
    const settled = settlementOf(path, judgement);
    if (settled === "ours") for (const each of left) put(each, "carry", "settled by --ours");
    else if (!original.has(path)) put(path, "keep", "the rebooted system has files in it");
    else put(path, "conflict", "the rebooted system has files in it, in the original it is none");
  }
  return [...shaped.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
}

function below(path: string, files: Manifest): string[] {
  return [...files.keys()].filter((each) => each.startsWith(`${path}/`));
}
