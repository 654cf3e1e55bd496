/**
 * Carries what has changed on the original's system disk since the VM fork over to the rebooted system.
 * All but the last of it is carried while the user works.
 */
import type { CommandLink } from "../guest/command-link.js";
import type { CarryOverCommands } from "./commands.js";
import type { Cursor, Piece, Reading } from "./content.js";
import { type Change, decide, type Decision, type Judgement } from "./decide.js";
import { type Entry, isAlike, isUntouched, isWithin, type Manifest, showPath } from "./entry.js";
import { compilePolicy, type Policy } from "./policy.js";
import { shape } from "./shape.js";
import { stepsFor } from "./steps.js";
import { CannotCarryFiles } from "./tree.js";
import type { Walk } from "./walk.js";

type FileLink = Pick<CommandLink<CarryOverCommands>, "ask">;

/** What it takes to carry files over. */
export interface CarryOverOptions {
  /** Stubs in the original VM and in the reboot-dedicated VM. */
  readonly original: FileLink;
  readonly rebooted: FileLink;
  /** A walk in the fork, shortly after the VM fork. */
  readonly base: Walk;
  /** When the VM fork was, by the clock of the guest in ns since 1970; what changed from then on counts as changed by both. */
  readonly forkNs: bigint;
  readonly policy: Policy;
  /** Paths for which, with all below them, one system's version is wanted, as bytes. */
  readonly ours: readonly string[];
  readonly theirs: readonly string[];
  /** @see Judgement.shutdown */
  readonly shutdown: Judgement["shutdown"];
  /** What the clock of the reboot-dedicated VM should show now, in ns since 1970. */
  readonly expectedNs: () => bigint;
  /** Called with the number of bytes that have been copied from one VM to the other. */
  readonly copied: (bytes: number) => Promise<void>;
}

/** Files on their way from one system to the other. */
export interface CarryOver {
  /** Decides about all files, while both systems go on; nothing is changed. */
  plan(): Promise<void>;
  /**
   * Carries what was planned, and what has changed meanwhile, while both systems go on.
   *
   * @throws {FilesInConflict} before anything is changed
   */
  carry(): Promise<void>;
  /**
   * Carries what has changed in the original since the plan. Nobody can write to its system disk any more
   * then, until it is thawed.
   *
   * @throws {FilesInConflict} before more is changed
   */
  finish(): Promise<void>;
  /** What has been decided so far, in the order of the paths. */
  decisions(): readonly Decision[];
}

/** Files that both systems have changed, and no rule covers; the update must not be committed. */
export class FilesInConflict extends CannotCarryFiles {
  constructor(readonly conflicts: readonly Decision[]) {
    const some = conflicts.slice(0, NAMED).map(({ path, why }) => `${showPath(path)} (${why})`);
    const more = conflicts.length - some.length;
    super(
      `files have changed in both systems: ${some.join(", ")}${more > 0 ? `, and ${more} more` : ""}; ` +
        "settle each with --ours PATH (the original's) or --theirs PATH (the rebooted system's)",
    );
  }
}

/** As many conflicts as a message names. */
const NAMED = 10;
/** How long one command may take, in ms of virtual time. */
const COMMAND_MS = 120_000;
/** Files that are described by one command. */
const DESCRIBED = 1000;
/** How far a clock may be from what it should show, in ns: after a boot it shows whole seconds at first. */
const CLOCK_SLACK_NS = 1_500_000_000n;
const START: Cursor = { file: 0, at: 0 };
/** As much as is compared at once, in bytes. */
const COMPARED_BYTES = 2 ** 20;

/** The files at the VM fork, from a walk in the fork shortly after it. */
function baseOf({ files, atNs }: Walk, forkNs: bigint): Map<string, Entry> {
  const isSince = (ns: bigint): boolean => ns >= forkNs && ns <= atNs;
  const base = new Map<string, Entry>();
  for (const [path, entry] of files) {
    if (isSince(entry.bornNs)) continue;
    base.set(path, isSince(entry.statusNs) ? { ...entry, statusNs: UNKNOWN } : entry);
  }
  return base;
}

/** No file has this time, so it counts as changed. */
const UNKNOWN = -1n;

/** Begins to carry files over. */
export function createCarryOver(options: CarryOverOptions): CarryOver {
  const { original, rebooted, forkNs, policy, ours, theirs, copied } = options;
  const base = baseOf(options.base, forkNs);
  let judgement: Judgement = {
    ...{ ruleFor: compilePolicy(policy), ours, theirs, mounts: [], shutdown: null },
  };
  /** What is mounted in the original, or was at the VM fork, hides what is there on the disk. */
  let hidden = options.base.mounts;
  let oursBefore: Manifest = base;
  const oursNow = new Map<string, Entry>();
  const theirsBefore = new Map(base);
  const theirsNow = new Map<string, Entry>();
  const decided = new Map<string, Decision>();
  let planned: readonly Decision[] = [];

  /** Looks at files once more and notes them. */
  async function describe(
    link: FileLink,
    paths: readonly string[],
    into: Map<string, Entry>,
  ): Promise<void> {
    for (let first = 0; first < paths.length; first += DESCRIBED) {
      const some = paths.slice(first, first + DESCRIBED);
      note(await link.ask("describeFiles", some, COMMAND_MS), into);
    }
  }

  /** Decides about what has changed and is described in the original. */
  async function decideNow(): Promise<void> {
    const changes: [Change, Change] = [
      { before: oursBefore, now: oursNow },
      { before: theirsBefore, now: theirsNow },
    ];
    const decisions: Decision[] = [];
    for (const decision of decide(...changes, judgement)) {
      if (decision.action !== "conflict" || !(await isEqual(decision.path))) {
        decisions.push(decision);
      }
    }
    planned = shape(decisions, oursNow, theirsNow, judgement);
    for (const decision of planned) decided.set(decision.path, decision);
  }

  /** Whether both systems have made the same of a regular file. */
  async function isEqual(path: string): Promise<boolean> {
    const [one, other] = [oursNow.get(path), theirsNow.get(path)];
    if (one === undefined || other === undefined || !isAlike(one, other)) return false;
    for (let from = 0; from < one.size; from += COMPARED_BYTES) {
      const wanted = { path, from, to: Math.min(one.size, from + COMPARED_BYTES) };
      const [a, b] = [await read(original, wanted), await read(rebooted, wanted)];
      if (a.some((byte, index) => byte !== b[index])) return false;
    }
    return true;
  }

  async function carryPlanned(): Promise<void> {
    const conflicts = planned.filter(({ action }) => action === "conflict");
    if (conflicts.length > 0) throw new FilesInConflict(conflicts);
    const { wanted, steps } = stepsFor(planned, oursNow, theirsNow, forkNs);
    if (steps.length > 0) {
      let pieces: readonly Piece[] = [];
      let cursor: Cursor | null = wanted.some(({ from, to }) => from < to) ? START : null;
      while (cursor !== null) {
        if (pieces.length > 0) await rebooted.ask("stageFiles", pieces, COMMAND_MS);
        const reading: Reading = await original.ask(
          "readFiles",
          { files: wanted, cursor },
          COMMAND_MS,
        );
        ({ pieces, next: cursor } = reading);
        await copied(pieces.reduce((bytes, { data }) => bytes + data.length, 0));
      }
      const expected = new Map(planned.map(({ path }) => [path, theirsNow.get(path) ?? null]));
      const work = { steps, pieces, expected };
      note(await rebooted.ask("applyFiles", work, COMMAND_MS), theirsNow);
    }
    for (const { path, action } of planned) {
      if (action !== "carry" && action !== "append") continue;
      const entry = theirsNow.get(path);
      if (entry === undefined) theirsBefore.delete(path);
      else theirsBefore.set(path, entry);
    }
    oursBefore = new Map(oursNow);
    planned = [];
  }

  async function carryChanges(list: "changedFiles" | "lastChanges"): Promise<void> {
    const { files, mapped } = await original.ask(list, null, COMMAND_MS);
    note(files, oursNow);
    leaveOut(hidden, oursNow);
    // What was reported may have been done after the file was read, though its times are the same.
    const unsure = [...files.keys()].filter((path) => {
      return !mapped.includes(path) || decided.get(path)?.action === "carry";
    });
    const before = new Map(oursBefore);
    for (const path of unsure) {
      const entry = before.get(path);
      if (entry !== undefined) before.set(path, { ...entry, statusNs: UNKNOWN });
    }
    oursBefore = before;
    const changed = [...files.keys()].filter((path) => {
      return !isUntouched(oursBefore.get(path), oursNow.get(path));
    });
    if (changed.length === 0) return;
    await describe(rebooted, changed, theirsNow);
    await decideNow();
    await carryPlanned();
  }

  return {
    async plan() {
      const now = await original.ask("watchFiles", null, COMMAND_MS);
      for (const [path, entry] of now.files) oursNow.set(path, entry);
      const there = await rebooted.ask("walkFiles", null, COMMAND_MS);
      for (const [path, entry] of there.files) theirsNow.set(path, entry);
      hidden = [...options.base.mounts, ...now.mounts];
      for (const files of [base, oursNow]) leaveOut(hidden, files);
      judgement = { ...judgement, mounts: there.mounts };
      const drift = there.atNs - options.expectedNs();
      const isTrusted = drift < CLOCK_SLACK_NS && drift > -CLOCK_SLACK_NS;
      if (isTrusted) judgement = { ...judgement, shutdown: options.shutdown };

      const changed = [...oursNow].filter(([path, entry]) => {
        return !isUntouched(oursBefore.get(path), entry);
      });
      const paths = changed.map(([path]) => path);
      await describe(original, paths, oursNow);
      const inBoth = paths.filter((path) => theirsNow.has(path));
      await describe(rebooted, inBoth, theirsNow);
      await decideNow();
    },
    async carry() {
      await carryPlanned();
      await carryChanges("changedFiles");
      await original.ask("flushFiles", null, COMMAND_MS);
    },
    finish: () => carryChanges("lastChanges"),
    decisions: () => [...decided.values()].sort((a, b) => (a.path < b.path ? -1 : 1)),
  };
}

function leaveOut(directories: readonly string[], files: Map<string, Entry>): void {
  for (const path of files.keys()) {
    if (directories.some((directory) => isWithin(path, directory))) files.delete(path);
  }
}

/** Takes over what was found; null stands for what is gone. */
function note(found: ReadonlyMap<string, Entry | null>, into: Map<string, Entry>): void {
  for (const [path, entry] of found) {
    if (entry === null) into.delete(path);
    else into.set(path, entry);
  }
}

/** A part of a file, with its holes as zeros. */
async function read(
  link: FileLink,
  wanted: { readonly path: string; readonly from: number; readonly to: number },
): Promise<Uint8Array> {
  const content = new Uint8Array(wanted.to - wanted.from);
  for (let cursor: Cursor | null = START; cursor !== null;) {
    const reading: Reading = await link.ask("readFiles", { files: [wanted], cursor }, COMMAND_MS);
    for (const { at, data } of reading.pieces) content.set(data, at - wanted.from);
    cursor = reading.next;
  }
  return content;
}
