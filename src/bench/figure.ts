/** A figure of the benchmark: two sides measured in turn, so that whatever else the computer does meets both. */
export interface Figure {
  readonly name: string;
  readonly unit: string;
  /** What this project takes or achieves, a sample a round. */
  readonly ours: readonly number[];
  /** What it is held against, a sample a round. */
  readonly reference: readonly number[];
  /** What the median of ours may be, as a part of the median of the reference. */
  readonly ratio: { readonly atMost: number } | { readonly atLeast: number };
  /** What the median of ours may be at most, on a computer that does nothing else. */
  readonly atMost?: number;
}

/** A figure with its medians and whether it meets its targets. */
export interface JudgedFigure extends Figure {
  readonly median: number;
  readonly referenceMedian: number;
  readonly medianRatio: number;
  readonly met: boolean;
}

/** The middle of some numbers, of which there must be one at least. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)] ?? NaN;
  const lower = sorted[Math.ceil(sorted.length / 2) - 1] ?? NaN;
  return (lower + upper) / 2;
}

/** Computes the medians of a figure and holds them against its targets. */
export function judge(figure: Figure): JudgedFigure {
  const ours = median(figure.ours);
  const reference = median(figure.reference);
  const medianRatio = ours / reference;
  const { ratio, atMost = Infinity } = figure;
  const ratioMet = "atMost" in ratio ? medianRatio <= ratio.atMost : medianRatio >= ratio.atLeast;
  const met = ratioMet && ours <= atMost;
  return { ...figure, median: ours, referenceMedian: reference, medianRatio, met };
}

/** The figures as a table for people. */
export function figureTable(figures: readonly JudgedFigure[]): string {
  const rows = figures.map(({ name, unit, ratio, atMost, ...judged }) => [
    name,
    `${judged.median.toPrecision(3)} ${unit}`,
    `${judged.referenceMedian.toPrecision(3)} ${unit}`,
    judged.medianRatio.toFixed(3),
    ("atMost" in ratio ? `<= ${ratio.atMost}` : `>= ${ratio.atLeast}`) +
      (atMost === undefined ? "" : `, <= ${atMost} ${unit}`),
    judged.met ? "met" : "MISSED",
  ]);
  const all = [["figure", "median", "against", "ratio", "target", ""], ...rows];
  const widths = all[0]?.map((_, column) =>
    Math.max(...all.map((row) => row[column]?.length ?? 0)),
  );
  return all
    .map((row) => row.map((cell, column) => cell.padEnd(widths?.[column] ?? 0)).join("  "))
    .map((line) => `${line.trimEnd()}\n`)
    .join("");
}
