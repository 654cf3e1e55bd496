import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decide, type Judgement } from "../../src/carry-over/decide.js";
import {
  ancestorsOf,
  type Entry,
  isOf,
  isUntouched,
  isWithin,
} from "../../src/carry-over/entry.js";
import { compilePolicy } from "../../src/carry-over/policy.js";
import { shape } from "../../src/carry-over/shape.js";
import { type Step, stepsFor } from "../../src/carry-over/steps.js";
import { directory, file, touched } from "./sample-files.js";

type Files = Map<string, Entry>;

const NAMES = ["a", "b", "c"];

/** What may be done to a tree at a path. */
const operation = fc.record({
  path: fc
    .array(fc.constantFrom(...NAMES), { minLength: 1, maxLength: 3 })
    .map((names) => `/${names.join("/")}`),
  what: fc.constantFrom("write", "remove", "directory", "mode"),
});
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

/** Does to a tree what a program would: directories come into being with what is made in them. */
function perform(files: Files, { path, what }: Operation, clock: bigint): void {
  const there = files.get(path);
  if (what === "remove") {
    for (const each of [...files.keys()]) {
      if (each === path || each.startsWith(`${path}/`)) files.delete(each);
    }
    return;
  }
  for (const above of ancestorsOf(path)) {
    const entry = files.get(above);
    if (entry === undefined) files.set(above, directory({ statusNs: clock }));
    else if (!isOf("directory", entry)) return;
  }
  if (what === "directory") {
    if (there === undefined) files.set(path, directory({ statusNs: clock }));
  } else if (what === "mode") {
    if (there !== undefined) files.set(path, { ...there, mode: there.mode ^ 1, statusNs: clock });
  } else if (there === undefined) files.set(path, file({ size: Number(clock), statusNs: clock }));
  else if (!isOf("directory", there)) {
    files.set(path, touched(there, { size: Number(clock), statusNs: clock }));
  }
}

function grown(from: ReadonlyMap<string, Entry>, operations: readonly Operation[], clock: number) {
  const files = new Map(from);
  for (const [index, each] of operations.entries()) perform(files, each, BigInt(clock + index));
  return files;
}

/** Hides what is in a directory under another file system, where there is such a directory. */
function cover(mount: string, files: Files): void {
  for (const above of ancestorsOf(mount)) {
    if (!isOf("directory", files.get(above))) files.set(above, directory());
  }
  for (const path of [...files.keys()]) if (isWithin(path, mount)) files.delete(path);
}

/** Does steps as the rebooted system would, and refuses what its kernel would refuse. */
function run(steps: readonly Step[], files: Files): void {
  for (const step of steps) {
    const { path } = step;
    const parent = files.get(ancestorsOf(path).at(-1) ?? "/");
    if (!isOf("directory", parent)) throw new Error(`${step.do} ${path}: no directory there`);
    if (step.do === "remove") {
      if ([...files.keys()].some((each) => each.startsWith(`${path}/`))) {
        throw new Error(`${path} is not empty`);
      }
      if (!files.delete(path)) throw new Error(`${path} is not there`);
    } else if (step.do === "directory") {
      if (files.has(path) && !isOf("directory", files.get(path)))
        throw new Error(`${path} is a file`);
      files.set(path, step.entry);
    } else if (step.do === "place") {
      if (isOf("directory", files.get(path))) throw new Error(`${path} is a directory`);
      files.set(path, step.entry);
    } else if (step.do === "date" && !isOf("directory", files.get(path))) {
      throw new Error(`${path} is no directory`);
    }
  }
}

const trees = fc.record({
  base: fc.array(operation, { maxLength: 12 }),
  original: fc.array(operation, { maxLength: 8 }),
  rebooted: fc.array(operation, { maxLength: 8 }),
});

function inAllTrees(
  wishes: Pick<Judgement, "ours" | "theirs"> & Partial<Pick<Judgement, "mounts">>,
  check: (files: {
    readonly base: Files;
    readonly original: Files;
    readonly rebooted: Files;
    readonly decisions: ReturnType<typeof decide>;
  }) => void,
): void {
  fc.assert(
    fc.property(trees, (operations) => {
      const root: Files = new Map([["/", directory()]]);
      const base = grown(root, operations.base, 100);
      const original = grown(base, operations.original, 200);
      const rebooted = grown(base, operations.rebooted, 300);
      const judgement = { ruleFor: compilePolicy([]), mounts: [], shutdown: null, ...wishes };
      for (const mount of judgement.mounts) cover(mount, rebooted);
      const single = decide(
        { before: base, now: original },
        { before: base, now: rebooted },
        judgement,
      );
      check({ base, original, rebooted, decisions: shape(single, original, rebooted, judgement) });
    }),
    {
      numRuns: 1000,
      // A file in the place of a directory, two levels above one that is carried.
      examples: [
        [
          {
            base: [{ path: "/a/b/c", what: "write" }],
            original: [{ path: "/a/b/c", what: "write" }],
            rebooted: [
              { path: "/a", what: "remove" },
              { path: "/a", what: "write" },
            ],
          },
        ],
      ],
    },
  );
}

describe("whatever two systems have done to a tree", () => {
  test("every file that only one of them has changed is in the end as that one has it", () => {
    inAllTrees({ ours: [], theirs: [] }, ({ base, original, rebooted, decisions }) => {
      if (decisions.some(({ action }) => action === "conflict")) return;
      const end = new Map(rebooted);
      run(stepsFor(decisions, original, rebooted, 0n).steps, end);
      for (const path of new Set([...base.keys(), ...original.keys(), ...rebooted.keys()])) {
        const [before, ours, theirs] = [base.get(path), original.get(path), rebooted.get(path)];
        const oursChanged = !isUntouched(before, ours);
        const theirsChanged = !isUntouched(before, theirs);
        const isHolding = [...end.keys()].some((each) => each.startsWith(`${path}/`));
        // A directory is there as long as something is in it, whoever has deleted it.
        if (isHolding && (ours === undefined || theirs === undefined)) continue;
        if (oursChanged && !theirsChanged) expect(end.get(path), path).toEqual(ours);
        if (!oursChanged) expect(end.get(path), path).toEqual(theirs);
      }
    });
  });

  test("with --ours / the end is a tree in which all that the original has changed is as it has it", () => {
    inAllTrees({ ours: ["/"], theirs: [] }, ({ base, original, rebooted, decisions }) => {
      const end = new Map(rebooted);
      run(stepsFor(decisions, original, rebooted, 0n).steps, end);
      for (const [path, entry] of original) {
        if (!isUntouched(base.get(path), entry)) expect(end.get(path), path).toEqual(entry);
      }
    });
  });

  test("with --theirs / nothing is done", () => {
    inAllTrees({ ours: [], theirs: ["/"] }, ({ original, rebooted, decisions }) => {
      expect(stepsFor(decisions, original, rebooted, 0n).steps).toEqual([]);
    });
  });

  test.each([[[]], [["/"]]])(
    "with --ours %j nothing is done where the rebooted system has another file system mounted",
    (ours) => {
      const mount = "/a/b";
      inAllTrees({ ours, theirs: [], mounts: [mount] }, ({ original, rebooted, decisions }) => {
        if (decisions.some(({ action }) => action === "conflict")) return;
        const end = new Map(rebooted);
        const { steps } = stepsFor(decisions, original, rebooted, 0n);
        run(steps, end);
        expect(steps.filter(({ path }) => isWithin(path, mount))).toEqual([]);
        expect(isOf("directory", end.get("/a"))).toBe(true);
      });
    },
  );
});
