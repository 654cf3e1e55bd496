/** A text that should stand centred at a place, and how much room it takes. */
export interface WantedLabel {
  readonly centre: number;
  readonly width: number;
}

/**
 * Moves the labels of one row apart so that none overlaps another, all in all as little as possible.
 *
 * Reference: isotonic regression by pooling adjacent violators (Barlow et al., "Statistical Inference
 * under Order Restrictions", 1972). A label's slack, its place minus the room of all before it, must not
 * fall from one label to the next.
 *
 * @param labels in ascending order of their centre; their {@link rowWidth} is to fit into the bounds, or
 *   the last of them overhang
 * @returns the left edge of each label
 */
export function spreadLabels(
  labels: readonly WantedLabel[],
  bounds: { from: number; to: number },
  gap: number,
): number[] {
  const before = labels.map((_, index) => labels.slice(0, index).reduce(addRoom(gap), 0));
  const pools: { slack: number; size: number }[] = [];
  labels.forEach(({ centre, width }, index) => {
    let pool = { slack: centre - width / 2 - (before[index] ?? 0), size: 1 };
    for (let last = pools.at(-1); last && last.slack > pool.slack; last = pools.at(-1)) {
      const size = last.size + pool.size;
      pool = { slack: (last.slack * last.size + pool.slack * pool.size) / size, size };
      pools.pop();
    }
    pools.push(pool);
  });
  const most = bounds.to - rowWidth(labels, gap);
  return pools
    .flatMap(({ slack, size }) => Array<number>(size).fill(slack))
    .map((slack, index) => Math.max(bounds.from, Math.min(most, slack)) + (before[index] ?? 0));
}

/** The room that a row of labels needs at least. */
export function rowWidth(labels: readonly WantedLabel[], gap: number): number {
  return Math.max(0, labels.reduce(addRoom(gap), 0) - gap);
}

function addRoom(gap: number) {
  return (sum: number, { width }: WantedLabel) => sum + width + gap;
}
