import type { Follower } from "./preparation.js";

/**
 * Does work on each item, on several at the same time: whoever is free takes the next one. When the work on one
 * fails, the others are stopped by their follower's signal, and have ended when that is told.
 *
 * @param count how many items are worked on at the same time
 * @throws what the work on the first item that failed has thrown, or the reason of the follower's signal
 */
export async function inLanes<Item>(
  items: readonly Item[],
  count: number,
  follower: Follower,
  work: (item: Item, follower: Follower) => Promise<void>,
): Promise<void> {
  const failure = new AbortController();
  const signal = AbortSignal.any([follower.signal, failure.signal]);
  const waiting = [...items];
  const steps = new Map<number, string>();

  async function lane(number: number): Promise<void> {
    const its: Follower = {
      signal,
      show(event) {
        steps.set(number, event.step);
        const all = [...steps].sort(([a], [b]) => a - b).map(([, step]) => step);
        follower.show(all.length > 1 ? { ...event, allSteps: all } : event);
      },
    };
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) {
      signal.throwIfAborted();
      await work(item, its);
    }
    steps.delete(number);
  }

  const lanes = Array.from({ length: Math.min(count, items.length) }, (_, number) =>
    lane(number).catch((error: unknown) => {
      failure.abort(error);
    }),
  );
  await Promise.all(lanes);
  failure.signal.throwIfAborted();
}
