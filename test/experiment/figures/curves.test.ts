import { expect, test } from "vitest";
import type { FigurePlan } from "../../../src/experiment/experiment.js";
import { curveRows, curvesFigure } from "../../../src/experiment/figures/curves.js";
import { MARKS } from "../../../src/experiment/figures/palette.js";
import type { FinishedRun } from "../../../src/experiment/finished-run.js";
import { DEFAULT_HOST, type HostConfig } from "../../../src/host/config.js";
import { finishedRun } from "../finished-runs.js";

const TITLES = { title: "A title", subtitle: "and how it is measured" };

const plan = {
  kind: "curves",
  x: { title: "processors", of: ({ host }) => host.cores },
  y: [
    { title: "took (s)", of: ({ found }) => (found?.summary.background?.tookMs ?? 0) / 1000 },
    { title: "waited (ms)", of: ({ found }) => found?.summary.background?.userWaitedMs ?? null },
  ],
  curve: ({ host }) => host.policy,
} satisfies FigurePlan;

function runOn(host: Partial<HostConfig>): FinishedRun {
  return finishedRun("busybox", "shadow", { host: { ...DEFAULT_HOST, ...host } });
}

const starved = { ...runOn({ cores: 4 }), outcome: "rolled back", found: null } as const;
const runs = [runOn({ cores: 1 }), runOn({ cores: 2 }), runOn({ cores: 1, policy: "idletime" })];

function marks(figure: { readonly svg: string }, kind: number): number {
  const colour = MARKS[kind]?.toUpperCase().replace(/^#(.)\1(.)\2(.)\3$/, "#$1$2$3") ?? "";
  return figure.svg.split(`<path fill="${colour}"`).length - 1;
}

test("a panel for each quantity has a mark for each run, and the legend one for each curve", () => {
  const figure = curvesFigure(TITLES, runs, plan);
  expect(marks(figure, 0)).toBe(1 + 2 * 2);
  expect(marks(figure, 1)).toBe(1 + 2 * 1);
  const half = curvesFigure(TITLES, runs, { ...plan, y: plan.y.slice(1) });
  expect(marks(half, 0)).toBe(1 + 2);
});

test("the rows are named after the axes", () => {
  expect(curveRows(runs, plan)[2]).toEqual({
    curve: "idletime",
    processors: "1",
    "took (s)": 9,
    "waited (ms)": 50,
  });
});

test("a run that found nothing out has no place, not even on the axis", () => {
  const measured = { ...plan, y: plan.y.slice(1) };
  expect(curveRows([...runs, starved], measured)).toEqual(curveRows(runs, measured));
  const with4 = curvesFigure(TITLES, [...runs, starved], measured);
  expect(with4.svg === curvesFigure(TITLES, runs, measured).svg).toBe(true);
});
