import { describe, expect, test } from "vitest";
import { inLanes } from "../../src/experiment/lanes.js";
import type { Follower } from "../../src/experiment/preparation.js";
import type { ProgressEvent } from "../../src/experiment/progress.js";

function follower(signal = new AbortController().signal): Follower & { shown: ProgressEvent[] } {
  const shown: ProgressEvent[] = [];
  return { signal, shown, show: (event) => shown.push(event) };
}

/** Resolves when the other lanes have had their turn. */
async function others(): Promise<void> {
  for (let i = 0; i < 5; i++) await Promise.resolve();
}

describe("work in lanes", () => {
  test("is done on each item once, on as many at the same time as there are lanes", async () => {
    const done: number[] = [];
    let [under, most] = [0, 0];
    await inLanes([1, 2, 3, 4, 5], 2, follower(), async (item) => {
      most = Math.max(most, ++under);
      await others();
      under--;
      done.push(item);
    });
    expect(done.sort()).toEqual([1, 2, 3, 4, 5]);
    expect(most).toBe(2);
  });

  test("shows the steps of all lanes, in the order of the lanes", async () => {
    const { shown, ...its } = follower();
    await inLanes(["a", "b"], 2, its, async (item, { show }) => {
      show({ step: `${item} begins` });
      await others();
      show({ step: `${item} ends` });
    });
    expect(shown).toEqual([
      { step: "a begins" },
      { step: "b begins", allSteps: ["a begins", "b begins"] },
      { step: "a ends", allSteps: ["a ends", "b begins"] },
      expect.objectContaining({ step: "b ends" }),
    ]);
  });

  test("that fails on one item stops the others, which have ended when that is told", async () => {
    const ended: string[] = [];
    const work = inLanes(["good", "bad", "never"], 2, follower(), async (item, { signal }) => {
      if (item === "bad") throw new Error("it is bad");
      while (!signal.aborted) await others();
      ended.push(item);
    });
    await expect(work).rejects.toThrow("it is bad");
    expect(ended).toEqual(["good"]);
  });

  test("that is interrupted ends with the reason of that, and begins nothing more", async () => {
    const controller = new AbortController();
    const begun: number[] = [];
    const work = inLanes([1, 2, 3], 1, follower(controller.signal), (item) => {
      begun.push(item);
      controller.abort(new Error("Ctrl-C"));
      return Promise.resolve();
    });
    await expect(work).rejects.toThrow("Ctrl-C");
    expect(begun).toEqual([1]);
  });
});
