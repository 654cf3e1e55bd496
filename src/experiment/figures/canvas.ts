/**
 * Where a picture becomes a file: drawn straight on a canvas without a browser, by chart.js or by hand.
 *
 * The bytes depend on the chart alone: no animation, no clock, and the fonts come from a package, for
 * a canvas without a registered font draws no text at all and says nothing.
 */
import { createRequire } from "node:module";
import path from "node:path";
import { createCanvas, GlobalFonts, PDFDocument, SvgExportFlag } from "@napi-rs/canvas";
import type { SKRSContext2D } from "@napi-rs/canvas";
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

/** A picture in all forms, ready to be written to a file. */
export interface Figure {
  /** Text is converted to paths: it looks the same where the font is missing. */
  readonly svg: string;
  /** Twice as many pixels as the figure has units, for print and for dense screens. */
  readonly png: Uint8Array;
  /** One page of the figure's size with its fonts, made when it is asked for. */
  readonly pdf: () => Uint8Array;
}

/** The family that {@link drawFigure} registers; the text of a plugin names it too. */
export const FONT_FAMILY = "Figure Sans";

const PIXEL_RATIO = 2;

/** Of a figure, in its units. */
interface Size {
  readonly width: number;
  readonly height: number;
}

/** What a picture is drawn on; a unit is a pixel of the README. */
export type Paper = SKRSContext2D;

/** What `paint` draws on white paper of `width` x `height` units; it is called once for each form. */
export function paintFigure(paint: (paper: Paper) => void, { width, height }: Size): Figure {
  registerFonts();
  const paintOn = (paper: Paper): void => {
    paper.fillStyle = "#ffffff";
    paper.fillRect(0, 0, width, height);
    paint(paper);
  };
  const raster = createCanvas(width * PIXEL_RATIO, height * PIXEL_RATIO);
  const pixels = raster.getContext("2d");
  pixels.scale(PIXEL_RATIO, PIXEL_RATIO);
  paintOn(pixels);
  const vector = createCanvas(width, height, SvgExportFlag.ConvertTextToPaths);
  paintOn(vector.getContext("2d"));
  return {
    png: raster.encodeSync("png"),
    svg: tidied(vector.getContent().toString("utf8"), width, height),
    pdf: () => page({ width, height }, paintOn),
  };
}

/** A document of one page. */
function page({ width, height }: Size, paint: (paper: Paper) => void): Uint8Array {
  const document = new PDFDocument();
  // The page of a document has a canvas's context; its type names the browser's.
  paint(document.beginPage(width, height) as unknown as Paper);
  document.endPage();
  return document.close();
}

/**
 * Draws a bar chart of `width` x `height` units on white; a unit is a pixel of the README.
 *
 * `makeConfig` is called once for each form, since chart.js writes into the configuration it gets.
 *
 * @throws {Error} if the font's files are not installed
 */
export function drawFigure(
  makeConfig: () => ChartConfiguration<"bar">,
  { width, height }: Size,
): Figure {
  prepareChartJs();
  const raster = createCanvas(width, height);
  const png = drawn(raster, makeConfig(), PIXEL_RATIO, () => raster.encodeSync("png"));
  const vector = createCanvas(width, height, SvgExportFlag.ConvertTextToPaths);
  const svg = drawn(vector, makeConfig(), 1, () => vector.getContent().toString("utf8"));
  return {
    png,
    svg: tidied(svg, width, height),
    pdf: () =>
      page({ width, height }, (paper) => {
        const sheet = { width, height, getContext: () => paper };
        // A page has no canvas, but chart.js asks the context for one to know its size.
        Object.assign(paper, { canvas: sheet });
        drawn(sheet, makeConfig(), 1, () => undefined);
      }),
  };
}

/** As much of a canvas as chart.js uses. */
interface Sheet extends Size {
  getContext(kind: "2d"): Paper;
}

/** What `encode` makes of the canvas while the chart stands on it: a chart that goes wipes it. */
function drawn<T>(
  canvas: Sheet,
  config: ChartConfiguration<"bar">,
  devicePixelRatio: number,
  encode: () => T,
): T {
  // chart.js is typed for the canvas of a browser and uses only what this one has too.
  const chart = new Chart(canvas as unknown as HTMLCanvasElement, {
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
let registered = false;

function prepareChartJs(): void {
  if (prepared) return;
  registerFonts();
  Chart.register(BarController, BarElement, CategoryScale, LinearScale, SubTitle, Title);
  Chart.defaults.font.family = FONT_FAMILY;
  Chart.defaults.color = INK;
  prepared = true;
}

function registerFonts(): void {
  if (registered) return;
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
  registered = true;
}
