import { createCanvas, loadImage } from "@napi-rs/canvas";
import { describe, expect, test } from "vitest";
import { virtualMs, wallMs } from "../../../src/clock/virtual-time.js";
import type { Figure } from "../../../src/experiment/figures/canvas.js";
import { compareFigure } from "../../../src/experiment/figures/comparison.js";
import { downtimeFigure } from "../../../src/experiment/figures/downtime.js";
import {
  DOWNTIME,
  DOWNTIME_INK,
  IN_USE,
  INK,
  phaseColours,
  ZOOM,
} from "../../../src/experiment/figures/palette.js";
import { timelineFigure } from "../../../src/experiment/figures/timeline.js";
import { summarise } from "../../../src/experiment/summary.js";
import { phasesOf, sampleReport } from "../sample-report.js";

const reboot = summarise(sampleReport("reboot"));
const shadow = summarise(sampleReport("shadow"));
const rolledBack = summarise(
  sampleReport("shadow", {
    committed: false,
    phases: phasesOf([]),
    downtime: { virtualMs: virtualMs(0), wallMs: wallMs(0) },
  }),
);

const figures: [name: string, draw: () => Figure][] = [
  ["timeline of a reboot", () => timelineFigure(reboot)],
  ["timeline of a shadow reboot", () => timelineFigure(shadow)],
  ["timeline of a run that never began", () => timelineFigure(rolledBack)],
  ["downtime of a reboot", () => downtimeFigure(reboot)],
  ["downtime of a shadow reboot", () => downtimeFigure(shadow)],
  ["downtime of a run that never began", () => downtimeFigure(rolledBack)],
  ["comparison", () => compareFigure([reboot, shadow])],
  ["comparison of one", () => compareFigure([shadow])],
];

/** Skia shortens `#aabbcc` to `#ABC`. */
function asSkiaWrites(colour: string): string {
  return colour.toUpperCase().replace(/^#(.)\1(.)\2(.)\3$/, "#$1$2$3");
}

/** The shapes filled with a colour, from left to right, each as `[left, right]`. */
function shapes({ svg }: Figure, colour: string): [left: number, right: number][] {
  const found = svg.matchAll(/<(?:path|rect) fill="(#\w+)"([^>]*)>/g);
  return [...found]
    .filter(([, fill]) => fill === asSkiaWrites(colour))
    .map(([, , attributes = ""]): [number, number] => {
      const rect = /x="([\d.]+)".*width="([\d.]+)"/.exec(attributes);
      if (rect) return [Number(rect[1]), Number(rect[1]) + Number(rect[2])];
      const xs = [...attributes.matchAll(/[ML](-?[\d.]+) /g)].map(([, x]) => Number(x));
      return [Math.min(...xs), Math.max(...xs)];
    })
    .sort(([a], [b]) => a - b);
}

/** Bars of a phase, in order of their place. */
function bars(figure: Figure, runs: (typeof reboot)[], phase: string) {
  return shapes(figure, phaseColours(runs)(phase));
}

/** A PNG to look at. */
async function decoded({ png }: Figure) {
  const image = await loadImage(Buffer.from(png));
  const { width, height } = image;
  const context = createCanvas(width, height).getContext("2d");
  context.drawImage(image, 0, 0);
  /** The red of each pixel in a part of it: enough to tell ink from paper. */
  const reds = (x: number, y: number, w: number, h: number) =>
    context.getImageData(x, y, w, h).data.filter((_, index) => index % 4 === 0);
  return { width, height, reds };
}

const length = ([left, right]: [number, number] = [NaN, NaN]) => right - left;

describe.each(figures)("%s", (_, draw) => {
  const figure = draw();

  test("is the same to the byte each time", () => {
    const again = draw();
    // Not toBe(): the difference of two pictures is no reading.
    expect(again.svg === figure.svg).toBe(true);
    expect(Buffer.from(again.png).equals(figure.png)).toBe(true);
  });

  test("is text on white at twice the size in units, and needs no font", async () => {
    const [, width, height] = /viewBox="0 0 (\d+) (\d+)"/.exec(figure.svg) ?? [];
    const picture = await decoded(figure);
    expect([picture.width, picture.height]).toEqual([2 * Number(width), 2 * Number(height)]);
    expect(width).toBe("900");

    const title = picture.reds(0, 0, picture.width, 40);
    expect(title[0]).toBe(0xff);
    expect(title.filter((red) => red < 0x40).length).toBeGreaterThan(1000);
    expect(figure.svg).not.toContain("<text");
    expect(shapes(figure, INK).length).toBeGreaterThan(5);
  });

  test("is cut off nowhere: its outermost pixels are white", async () => {
    const { width, height, reds } = await decoded(figure);
    const rims = [
      reds(0, 0, width, 6),
      reds(0, height - 6, width, 6),
      reds(0, 0, 6, height),
      reds(width - 6, 0, 6, height),
    ];
    for (const rim of rims) expect(Math.min(...rim)).toBe(0xff);
  });
});

describe("the timeline", () => {
  test("of a reboot has each phase once, as long as it lasted, and shades the downtime", () => {
    const figure = timelineFigure(reboot);
    for (const { name } of reboot.phases)
      expect(bars(figure, [reboot], name), name).toHaveLength(1);
    const [shade] = shapes(figure, DOWNTIME);
    const kernel = bars(figure, [reboot], "kernel")[0];
    expect(length(kernel) / length(shade)).toBeCloseTo(5100 / 8820, 2);
    expect(shapes(figure, ZOOM)).toEqual([]);
  });

  test("of a shadow reboot has a hair for the downtime, and enlarges it", () => {
    const figure = timelineFigure(shadow);
    const [shade, ...others] = shapes(figure, DOWNTIME);
    expect(others).toEqual([]);
    expect(length(shade)).toBeGreaterThan(600);
    expect(shapes(figure, ZOOM)).toHaveLength(1);
    expect(length(bars(figure, [shadow], "capture")[0]) / length(shade)).toBeCloseTo(13 / 46, 2);
    const hairs = shapes(figure, DOWNTIME_INK).filter((shape) => length(shape) < 5);
    expect(hairs).toHaveLength(2);
  });

  test("shows that the user works on before, during and after", () => {
    expect(shapes(timelineFigure(shadow), IN_USE)).toHaveLength(2);
    expect(shapes(timelineFigure(reboot), IN_USE)).toHaveLength(1);
  });
});

describe("the downtime", () => {
  test("of a run is its phases, once together and once each", () => {
    const figure = downtimeFigure(shadow);
    for (const name of ["freeze-home", "attach-home", "capture", "restore", "first-answer"]) {
      const [together, alone, ...others] = bars(figure, [shadow], name);
      expect(others).toEqual([]);
      expect(together).toEqual(alone);
    }
    expect(bars(figure, [shadow], "vm-fork")).toEqual([]);
  });

  test("of two strategies stands on one scale, and the short one once more", () => {
    const figure = compareFigure([reboot, shadow]);
    const kernel = bars(figure, [reboot, shadow], "kernel")[0];
    const hair = shapes(figure, DOWNTIME_INK)[0];
    expect(length(hair) / length(kernel)).toBeCloseTo(46 / 5100, 3);
    const [capture] = bars(figure, [reboot, shadow], "capture");
    const [attach] = bars(figure, [reboot, shadow], "attach-home");
    expect(length(capture) / length(attach)).toBeCloseTo(13 / 12, 1);
  });
});
