/**
 * Where a chart becomes a file: chart.js drawn straight on a canvas without a browser.
 *
 * The bytes depend on the chart alone: no animation, no clock, and the fonts come from a package, for
 * a canvas without a registered font draws no text at all and says nothing.
 */
import { createRequire } from "node:module";
import path from "node:path";
import { createCanvas, GlobalFonts, SvgExportFlag } from "@napi-rs/canvas";
import type { Canvas, SvgCanvas } from "@napi-rs/canvas";
import {
  BarController,
  BarElement,
  CategoryScale,
  Chart,
  LinearScale,
  SubTitle,
  Title,
} from "chart.js";
import type { ChartConfiguration } from "chart.js";
import { INK } from "./palette.js";

/** A picture in both forms, ready to be written to a file. */
export interface Figure {
  /** Text is converted to paths: it looks the same where the font is missing. */
  readonly svg: string;
  /** Twice as many pixels as the figure has units, for print and for dense screens. */
  readonly png: Uint8Array;
}

/** The family that {@link drawFigure} registers; the text of a plugin names it too. */
export const FONT_FAMILY = "Figure Sans";

const PIXEL_RATIO = 2;

/**
 * Draws a bar chart of `width` x `height` units on white; a unit is a pixel of the README.
 *
 * `makeConfig` is called once for each form, since chart.js writes into the configuration it gets.
 *
 * @throws {Error} if the font's files are not installed
 */
export function drawFigure(
  makeConfig: () => ChartConfiguration<"bar">,
  { width, height }: { width: number; height: number },
): Figure {
  prepareChartJs();
  const raster = createCanvas(width, height);
  const png = drawn(raster, makeConfig(), PIXEL_RATIO, () => raster.encodeSync("png"));
  const vector = createCanvas(width, height, SvgExportFlag.ConvertTextToPaths);
  const svg = drawn(vector, makeConfig(), 1, () => vector.getContent().toString("utf8"));
  return { png, svg: tidied(svg, width, height) };
}

/** What `encode` makes of the canvas while the chart stands on it: a chart that goes wipes it. */
function drawn<T>(
  canvas: Canvas | SvgCanvas,
  config: ChartConfiguration<"bar">,
  devicePixelRatio: number,
  encode: () => T,
): T {
  // chart.js is typed for the canvas of a browser and uses only what this one has too.
  const context = canvas.getContext("2d") as unknown as CanvasRenderingContext2D;
  const chart = new Chart(context, {
    ...config,
    options: { ...config.options, animation: false, responsive: false, devicePixelRatio },
    plugins: [whiteBackground, ...(config.plugins ?? [])],
  });
  try {
    return encode();
  } finally {
    chart.destroy();
  }
}

const whiteBackground = {
  id: "white-background",
  beforeDraw({ ctx, width, height }: Chart): void {
    ctx.save();
    ctx.fillStyle = "#ffffff";
    ctx.fillRect(0, 0, width, height);
    ctx.restore();
  },
};

/**
 * Skia's picture without what it would carry from elsewhere: a view box, so that it scales with the page
 * around it; hundredths of a unit, which are finer than any screen; and names of clip paths that count
 * from zero, since Skia's own count goes on from picture to picture.
 */
function tidied(svg: string, width: number, height: number): string {
  const clips = new Map<string, number>();
  return svg
    .replace("<svg ", `<svg viewBox="0 0 ${width} ${height}" `)
    .replace(/-?\d+\.\d{3,}/g, (coordinate) => `${Number(Number(coordinate).toFixed(2))}`)
    .replace(/\bcl_[0-9a-f]+\b/g, (name) => {
      if (!clips.has(name)) clips.set(name, clips.size);
      return `clip${clips.get(name) ?? 0}`;
    });
}

let prepared = false;

function prepareChartJs(): void {
  if (prepared) return;
  registerFonts();
  Chart.register(BarController, BarElement, CategoryScale, LinearScale, SubTitle, Title);
  Chart.defaults.font.family = FONT_FAMILY;
  Chart.defaults.color = INK;
  prepared = true;
}

function registerFonts(): void {
  const require = createRequire(import.meta.url);
  const folder = path.dirname(require.resolve("dejavu-fonts-ttf/package.json"));
  for (const file of ["DejaVuSans.ttf", "DejaVuSans-Bold.ttf"]) {
    if (!GlobalFonts.registerFromPath(path.join(folder, "ttf", file), FONT_FAMILY)) {
      throw new Error(
        `the font ${file} of the package dejavu-fonts-ttf is missing or broken, and figures ` +
          `without it have no text: install the packages anew with "npm ci"`,
      );
    }
  }
}
