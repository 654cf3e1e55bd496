import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type CarryOver, FilesInConflict } from "../../src/carry-over/carry-over.js";
import type { Policy } from "../../src/carry-over/policy.js";
import { checkRebooted, mutate, tree, type Twins, twinsWithPrograms } from "../support/carrying.js";

/** Rules for some of the names that files get at random. */
const POLICY: Policy = [
  { pattern: "/data/**/n1", files: "original", why: "a rule for n1" },
  { pattern: "/data/**/n2", files: "rebooted", why: "a rule for n2" },
  { pattern: "/data/**/n3", files: "stay", why: "a rule for n3" },
  { pattern: "/data/**/n4", files: "beside", why: "a rule for n4" },
];

/** As often as conflicts are settled before it is too often: what is settled may bring others to light. */
const MOST_SETTLEMENTS = 20;

let twins: Twins;
let round = 0;

beforeAll(async () => {
  twins = await twinsWithPrograms();
});
afterAll(() => twins.dispose());

/** Carries files over, and settles every conflict one way or the other. */
async function carryAll(preferOurs: (path: string) => boolean): Promise<CarryOver> {
  const [ours, theirs]: [string[], string[]] = [[], []];
  for (let settled = 0; settled < MOST_SETTLEMENTS; settled++) {
    const files = twins.carryOver({ policy: POLICY, ours, theirs });
    await files.plan();
    try {
      await files.carry();
      await twins.finish(files);
      return files;
    } catch (error) {
      if (!(error instanceof FilesInConflict)) throw error;
      for (const { path } of error.conflicts) (preferOurs(path) ? ours : theirs).push(path);
    }
  }
  throw new Error("there is no end of conflicts");
}

/** Files as they are seen, but for how many names each has: where one is carried and another is not, that changes. */
async function seen(side: Twins["source"], top: string): Promise<Map<string, string>> {
  const lines = [...(await tree(side, top))];
  return new Map(
    lines.map(([path, line]) => {
      const fields = line.split(" ");
      const isDirectory = Number(fields[1]) >> 12 === 4;
      return [path, (isDirectory ? fields : fields.toSpliced(6, 1)).join(" ")];
    }),
  );
}

/** The same without the time of its last change. */
const timeless = (line: string | undefined) => line?.split(" ").toSpliced(5, 1).join(" ");

test("whatever two systems do to a tree of files, each file ends where the policy says, and none is lost", async () => {
  const seed = fc.nat();
  const history = fc.record({
    base: seed,
    ours: seed,
    theirs: seed,
    taste: fc.integer({ min: 2, max: 5 }),
  });
  await fc.assert(
    fc.asyncProperty(history, async ({ base, ours, theirs, taste }) => {
      const { source, target } = twins;
      const top = `/data/${String(++round)}`;
      await source.sh(`mkdir -p ${top}`);
      await mutate(source, top, base, 40);
      await twins.fork();
      const before = await seen(source, top);
      await mutate(source, top, ours, 25);
      await mutate(target, top, theirs, 25);
      const [mine, other] = [await seen(source, top), await seen(target, top)];

      const files = await carryAll((path) => path.length % taste === 0);
      const end = await seen(target, top);
      expect(await seen(source, top)).toEqual(mine);
      const decisions = new Map(files.decisions().map((each) => [each.path, each]));
      const beside = [...end.keys()].filter((path) => path.includes(".original-"));
      const paths = new Set([before, mine, other, end].flatMap((each) => [...each.keys()]));
      for (const path of beside) paths.delete(path);
      for (const path of paths) {
        const decision = decisions.get(path);
        const what = `${path}: ${JSON.stringify(decision ?? null)}`;
        if (decision?.action === "carry") expect(end.get(path), what).toBe(mine.get(path));
        else expect(end.get(path), what).toBe(other.get(path));
        // What only the original has changed is not left behind without a word.
        if (decision === undefined && mine.get(path) !== before.get(path)) {
          expect(timeless(other.get(path)), what).toBe(timeless(mine.get(path)));
        }
        if (decision?.action === "beside") {
          const [, ...it] = (mine.get(path) ?? "").split(" ");
          const copies = beside.filter((each) => each.startsWith(`${path}.original-`));
          expect(
            copies.map((each) => end.get(each)?.split(" ").slice(1)),
            what,
          ).toEqual([it]);
        }
        expect(decision?.action, what).not.toBe("conflict");
      }
    }),
    { numRuns: 4, endOnFailure: true },
  );
  await checkRebooted(twins);
});
