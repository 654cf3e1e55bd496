import { describe, expect, test } from "vitest";
import { progressLine } from "../../src/experiment/progress.js";

const ERASE = "\r\u001b[K";

/** A stream that remembers and a clock that a test moves. */
function stage({ isTTY, columns = 80 }: { isTTY: boolean; columns?: number }) {
  const written: string[] = [];
  const clock = { ms: 0 };
  const stream = { isTTY, columns, write: (text: string) => written.push(text) };
  return { written, clock, line: progressLine(stream, () => clock.ms) };
}

describe("on a terminal", () => {
  test("one line is redrawn in place, and is gone at the end", () => {
    const { written, clock, line } = stage({ isTTY: true });
    line.show({ step: "fetch", done: 0, total: 4e6, unit: "bytes" });
    clock.ms = 100;
    line.show({ step: "fetch", done: 1e6, total: 4e6, unit: "bytes" });
    line.end();
    expect(written).toEqual([
      `${ERASE}fetch  [....................]  0 %  0.0 MB of 4.0 MB`,
      `${ERASE}fetch  [#####...............]  25 %  1.0 MB of 4.0 MB`,
      ERASE,
    ]);
  });

  test("it is drawn no more often than an eye can follow, but at once for a new step", () => {
    const { written, clock, line } = stage({ isTTY: true });
    for (clock.ms = 0; clock.ms < 100; clock.ms++) line.show({ step: "boot", done: clock.ms });
    expect(written).toHaveLength(2);
    line.show({ step: "update" });
    expect(written).toHaveLength(3);
  });

  test("it never wraps", () => {
    const { written, line } = stage({ isTTY: true, columns: 20 });
    line.show({ step: "a step with a very long name", detail: "and more" });
    expect(written).toEqual([`${ERASE}a step with a very…`]);
  });

  test("work that goes on side by side shares the line, and keeps its places", () => {
    const { written, line } = stage({ isTTY: true, columns: 21 });
    line.show({ step: "boot", done: 1, allSteps: ["boot", "a long step"] });
    line.show({ step: "login", allSteps: ["login", "a long step"] });
    expect(written).toEqual([`${ERASE}boot       a long s…`, `${ERASE}login      a long s…`]);
  });

  test("what a guest says cannot steer the terminal", () => {
    const { written, line } = stage({ isTTY: true });
    line.show({ step: "boot", detail: "\u001b[2Jgone\n" });
    expect(written).toEqual([`${ERASE}boot   [2Jgone `]);
  });

  test("a total of nothing and too much done are no fraction of a kind", () => {
    const { written, line } = stage({ isTTY: true });
    line.show({ step: "a", done: 3, total: 0 });
    line.show({ step: "b", done: 3000, total: 2000, unit: "ms" });
    expect(written).toEqual([
      `${ERASE}a  3`,
      `${ERASE}b  [####################]  100 %  3.00 s of 2.00 s`,
    ]);
  });

  test("ending twice or without a line writes nothing more", () => {
    const { written, line } = stage({ isTTY: true });
    line.end();
    expect(written).toEqual([]);
  });
});

test("in a log each step is a line, once", () => {
  const { written, clock, line } = stage({ isTTY: false });
  line.show({ step: "fetch", done: 0, total: 2 });
  clock.ms = 1000;
  line.show({ step: "fetch", done: 1, total: 2 });
  line.show({ step: "boot" });
  line.end();
  expect(written).toEqual(["fetch\n", "boot\n"]);
});

test("in a log each step of work that goes on side by side is a line, once", () => {
  const { written, line } = stage({ isTTY: false });
  const allSteps = ["a: boot", "b: boot"];
  line.show({ step: "a: boot" });
  line.show({ step: "b: boot", allSteps });
  line.show({ step: "a: boot", done: 1, allSteps });
  line.show({ step: "b: boot", done: 1, allSteps });
  line.show({ step: "a: login", allSteps: ["a: login", "b: boot"] });
  expect(written).toEqual(["a: boot\n", "b: boot\n", "a: login\n"]);
});
