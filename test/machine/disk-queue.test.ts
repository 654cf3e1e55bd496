import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { virtualMs, type VirtualMs } from "../../src/clock/virtual-time.js";
import { createDiskQueue, type DiskQueue } from "../../src/machine/disk-queue.js";

/** A disk of 1 MB/s on which a request costs a millisecond besides. */
const SERVICE = { bytesPerMs: 1000, requestMs: 1, share: 1 };

const at = virtualMs;

function queueOf(ended: string[], share = 1): DiskQueue {
  const queue = createDiskQueue();
  queue.serve({ ...SERVICE, share }, at(0));
  queue.add(4000, at(10), () => ended.push("one"));
  queue.add(2000, at(11), () => ended.push("two"));
  return queue;
}

describe("requests to a disk", () => {
  test("take no time without a service", () => {
    const ended: string[] = [];
    const queue = createDiskQueue();
    queue.add(4096, at(5), () => ended.push("one"));
    expect(ended).toEqual(["one"]);
    expect(queue.dueAt()).toBe(Infinity);
    expect(queue.takeBusy(at(9))).toEqual([]);
  });

  test("are served one after another, each in the time that its bytes take", () => {
    const ended: string[] = [];
    const queue = queueOf(ended);
    expect(queue.dueAt()).toBe(15);
    expect(queue.advance(at(14.999))).toBe(false);
    expect(queue.advance(at(15.2))).toBe(true);
    expect(ended).toEqual(["one"]);
    // The disk went on while nobody looked.
    expect(queue.dueAt()).toBe(18);
    queue.advance(at(18));
    expect(ended).toEqual(["one", "two"]);
    expect(queue.takeBusy(at(30))).toEqual([{ from: 10, to: 18 }]);
    expect(queue.takeBusy(at(30))).toEqual([]);
  });

  test("take longer with a smaller share, and stand still without one", () => {
    const queue = queueOf([], 0.5);
    expect(queue.dueAt()).toBe(20);
    queue.serve({ ...SERVICE, share: 0 }, at(18));
    expect(queue.dueAt()).toBe(Infinity);
    expect(queue.takeBusy(at(40))).toEqual([{ from: 10, to: 40 }]);
    queue.serve(SERVICE, at(100));
    expect(queue.dueAt()).toBe(101);
  });

  test("end at once when the service ends, or a state is to be taken", () => {
    const ended: string[] = [];
    expect(queueOf(ended).serve(null, at(12))).toBe(true);
    expect(ended).toEqual(["one", "two"]);
    expect(queueOf(ended).finish(at(12))).toBe(true);
    expect(ended).toHaveLength(4);
  });

  test("are forgotten with the machine that made them", () => {
    const ended: string[] = [];
    const queue = queueOf(ended);
    queue.forget();
    expect(queue.advance(at(1000))).toBe(false);
    expect(ended).toEqual([]);
  });

  test("end at the same moments, however often it is looked", () => {
    const wishes = fc.array(
      fc.record({ bytes: fc.nat({ max: 70_000 }), pauseUs: fc.nat({ max: 50_000 }) }),
      { minLength: 1, maxLength: 10 },
    );
    const shares = fc.integer({ min: 1, max: 100 }).map((percent) => percent / 100);
    fc.assert(
      fc.property(
        wishes,
        shares,
        fc.integer({ min: 20_000, max: 400_000 }),
        (all, share, stepUs) => {
          const moments = (stepMs: number): VirtualMs[] => {
            const ends: VirtualMs[] = [];
            const queue = createDiskQueue();
            let now = at(0);
            queue.serve({ ...SERVICE, share }, now);
            const go = (to: VirtualMs): void => {
              while (now < to) {
                now = at(Math.min(to, now + stepMs, Math.max(now, queue.dueAt())));
                queue.advance(now);
              }
            };
            for (const { bytes, pauseUs } of all) {
              queue.add(bytes, now, () => ends.push(now));
              go(at(now + pauseUs / 1000));
            }
            go(at(1e6));
            return ends;
          };
          expect(moments(stepUs / 1000)).toEqual(moments(1e6));
        },
      ),
      { numRuns: 50 },
    );
  });
});
