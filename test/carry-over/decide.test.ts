import { describe, expect, test } from "vitest";
import { decide, type Judgement } from "../../src/carry-over/decide.js";
import { type Entry, NotAPath, plainPath } from "../../src/carry-over/entry.js";
import { compilePolicy, type Policy } from "../../src/carry-over/policy.js";
import { directory, file, touched } from "./sample-files.js";

interface Versions {
  readonly base?: Entry | undefined;
  readonly original?: Entry | undefined;
  readonly rebooted?: Entry | undefined;
}

/** What becomes of the file `/d/f`; null if nothing has to be done. */
function verdict(
  { base, original, rebooted }: Versions,
  { policy = [], ...rest }: Partial<Judgement> & { readonly policy?: Policy } = {},
) {
  const all = directory();
  const files = (entry: Entry | undefined) =>
    new Map([["/d", all], ...(entry === undefined ? [] : [["/d/f", entry] as const])]);
  const judgement = {
    ...{ ruleFor: compilePolicy(policy), ours: [], theirs: [], mounts: [], shutdown: null },
  };
  const [decision] = decide(
    { before: files(base), now: files(original) },
    { before: files(base), now: files(rebooted) },
    { ...judgement, ...rest },
  );
  return decision?.action ?? null;
}

const base = file({ size: 10 });
const changed = touched(base, { size: 11 });
const alsoChanged = touched(base, { size: 12, statusNs: 50n });

describe("without a rule", () => {
  test("what only the original has changed, made or deleted is carried", () => {
    expect(verdict({ base, original: changed, rebooted: base })).toBe("carry");
    expect(verdict({ original: changed })).toBe("carry");
    expect(verdict({ base, rebooted: base })).toBe("carry");
  });

  test("what the original has left alone stays as the rebooted system has it", () => {
    expect(verdict({ base, original: base, rebooted: changed })).toBeNull();
    expect(verdict({ base, original: base })).toBeNull();
    expect(verdict({ rebooted: changed })).toBeNull();
  });

  test("what both have deleted is gone", () => {
    expect(verdict({ base })).toBeNull();
  });

  test.each([
    ["changed", { base, original: changed, rebooted: alsoChanged }],
    ["made", { original: changed, rebooted: alsoChanged }],
    ["deleted and changed", { base, rebooted: changed }],
    ["changed and deleted", { base, original: changed }],
  ])("what both have %s is a conflict", (_, versions) => {
    expect(verdict(versions)).toBe("conflict");
  });

  test("directories that have become alike are no conflict, whenever something happened in them", () => {
    const before = directory();
    const now = touched(before, { mode: before.mode & ~0o055 });
    expect(verdict({ base: before, original: now, rebooted: touched(now) })).toBeNull();
    expect(verdict({ base: before, original: touched(before), rebooted: before })).toBeNull();
  });
});

describe("what both have changed is settled", () => {
  const both = { base, original: changed, rebooted: alsoChanged };
  const rule = (files: Policy[number]["files"]) => ({
    policy: [{ pattern: "/d/*", files, why: "a test" }],
  });

  test("by a rule", () => {
    expect(verdict(both, rule("original"))).toBe("carry");
    expect(verdict(both, rule("rebooted"))).toBe("keep");
    expect(verdict(both, rule("stay"))).toBe("keep");
    expect(verdict(both, rule("append"))).toBe("append");
    expect(verdict(both, rule("beside"))).toBe("beside");
  });

  test("by a person, for the path or for a directory above it; the nearest counts", () => {
    expect(verdict(both, { ours: ["/d/f"] })).toBe("carry");
    expect(verdict(both, { theirs: ["/d"] })).toBe("keep");
    expect(verdict(both, { ours: ["/d/f"], theirs: ["/"], ...rule("stay") })).toBe("carry");
    expect(verdict(both, { ours: ["/d/fa"] })).toBe("conflict");
  });

  test("for a directory as a shell completes its name", () => {
    expect(["/d/", "//d", "/d//f", "/", "//", "/d/.f/..g"].map(plainPath)).toEqual([
      ...["/d", "/d", "/d/f", "/", "/", "/d/.f/..g"],
    ]);
    expect(verdict(both, { ours: [plainPath("/d/")] })).toBe("carry");
    for (const wrong of ["d/", "", "/d/./f", "/d/..", "/.."]) {
      expect(() => plainPath(wrong), wrong).toThrow(NotAPath);
    }
  });

  test("for the original, if the rebooted system has changed it only on the fork's way down", () => {
    expect(verdict(both, { shutdown: { fromNs: 40n, toNs: 51n } })).toBe("carry");
    expect(verdict(both, { shutdown: { fromNs: 40n, toNs: 50n } })).toBe("conflict");
    expect(verdict(both, { shutdown: { fromNs: 51n, toNs: 99n } })).toBe("conflict");
  });

  test("what was deleted has the time of its directory", () => {
    const gone = { base, original: changed };
    expect(verdict(gone, { shutdown: { fromNs: 0n, toNs: 9n } })).toBe("carry");
    expect(verdict(gone, { shutdown: { fromNs: 5n, toNs: 9n } })).toBe("conflict");
  });
});

test("rules for both do not touch what only the original has changed, but for those that say always", () => {
  const only = { base, original: changed, rebooted: base };
  const rule = (files: Policy[number]["files"]) => ({
    policy: [{ pattern: "/d/*", files, why: "a test" }],
  });
  expect(verdict(only, rule("rebooted"))).toBe("carry");
  expect(verdict(only, rule("beside"))).toBe("carry");
  expect(verdict(only, rule("stay"))).toBe("keep");
  // A daemon of the rebooted system may have it open.
  expect(verdict(only, rule("append"))).toBe("append");
});

test("what another file system lies over in the rebooted system is kept behind, whatever is wanted", () => {
  for (const mount of ["/d", "/d/f"]) {
    const over = { mounts: [mount] };
    expect(verdict({ original: changed }, over)).toBe("keep");
    expect(verdict({ base, original: changed }, over)).toBe("keep");
    expect(verdict({ base }, over)).toBe("keep");
    expect(verdict({ original: changed }, { ...over, ours: ["/"] })).toBe("keep");
    const policy: Policy = [{ pattern: "/d/*", files: "original", why: "a test" }];
    expect(verdict({ original: changed }, { ...over, policy })).toBe("keep");
  }
  expect(verdict({ base, original: base }, { mounts: ["/d"] })).toBeNull();
  expect(verdict({ original: changed }, { mounts: ["/d/fa"] })).toBe("carry");
});

describe("a log is appended", () => {
  const append: Policy = [{ pattern: "/d/f", files: "append", why: "a test" }];
  const from = (before: Entry | undefined, now: Entry) =>
    decide(
      { before: new Map(before && [["/d/f", before]]), now: new Map([["/d/f", now]]) },
      { before: new Map(), now: new Map([["/d/f", file()]]) },
      { ruleFor: compilePolicy(append), ours: [], theirs: [], mounts: [], shutdown: null },
    )[0]?.from;

  test("from where it has grown", () => {
    expect(from(base, changed)).toBe(10);
  });

  test("as a whole if it is another file, or has been cut", () => {
    expect(from(base, file({ size: 99 }))).toBe(0);
    expect(from(base, touched(base, { size: 3 }))).toBe(0);
    expect(from(undefined, file({ size: 3 }))).toBe(0);
  });
});
