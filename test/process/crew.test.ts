import fc from "fast-check";
import { expect, test } from "vitest";
import { WAKE } from "../../src/guest/command-loop.js";
import type { Program } from "../../src/guest/gate.js";
import type { Stub } from "../../src/guest/stub-session.js";
import { SYSTEM_CALLS } from "../../src/guest/system-calls.js";
import { createCrew, type Job } from "../../src/process/crew.js";

const LEADER = 1;

/** A stub that can be woken and can sleep; nobody looks at its memory. */
function stubThatCalls(): Stub {
  function* call(name: keyof typeof SYSTEM_CALLS, ...args: readonly unknown[]): Program<number> {
    const numbers = args.map((argument) => (typeof argument === "number" ? argument : 0));
    return yield { number: SYSTEM_CALLS[name], args: numbers };
  }
  // The crew makes no other use of a stub.
  return { call, attempt: call } as unknown as Stub;
}

/** Runs tasks in any order until the leader has ended; one that sleeps runs once it has been woken. */
function schedule(tasks: ReadonlyMap<number, Program<void>>, choose: (of: number) => number): void {
  const wakes = new Map<number, number>();
  const asleep = new Set<number>();
  for (;;) {
    const ready = [...tasks.keys()].filter((tid) => !asleep.has(tid) || (wakes.get(tid) ?? 0) > 0);
    const tid = ready[choose(ready.length) % ready.length];
    const task = tid === undefined ? undefined : tasks.get(tid);
    if (tid === undefined || task === undefined) throw new Error("all tasks sleep");
    if (asleep.delete(tid)) wakes.set(tid, (wakes.get(tid) ?? 0) - 1);
    const { done, value } = task.next(0);
    if (done === true) return;
    const { number, args } = value;
    const [to = 0, signal] = args;
    if (number === SYSTEM_CALLS.rt_sigtimedwait) asleep.add(tid);
    else if (signal === WAKE) wakes.set(to, (wakes.get(to) ?? 0) + 1);
  }
}

const members = [10, 11, 12];
const choices = fc.array(fc.nat(), { minLength: 1, maxLength: 60 });

function chooser(list: readonly number[]): () => number {
  let next = 0;
  return () => list[next++ % list.length] ?? 0;
}

test("in whatever order they run, all jobs of a round are done before the next begins", () => {
  fc.assert(
    fc.property(choices, (list) => {
      const crew = createCrew(LEADER);
      const stub = stubThatCalls();
      const done: string[] = [];
      const job = (what: string): Job =>
        function* (member) {
          yield* member.call("getpid");
          done.push(what);
        };
      function* lead(): Program<void> {
        for (const round of ["first", "second"]) {
          yield* crew.run(
            stub,
            members.map((tid) => [tid, job(`${round} of ${tid}`)] as const),
          );
          done.push(round);
        }
      }
      const tasks = new Map([[LEADER, lead()]]);
      for (const tid of members) tasks.set(tid, crew.member(tid)(stub));
      schedule(tasks, chooser(list));

      const of = (round: string): string[] => members.map((tid) => `${round} of ${tid}`);
      expect(done.slice(0, 3).toSorted()).toEqual(of("first"));
      expect(done[3]).toBe("first");
      expect(done.slice(4, 7).toSorted()).toEqual(of("second"));
      expect(done[7]).toBe("second");
    }),
  );
});

test("a job that fails fails for the leader, and does not wait for the others", () => {
  const crew = createCrew(LEADER);
  const stub = stubThatCalls();
  const failing: Job = function* (member) {
    yield* member.call("getpid");
    throw new Error("no memory");
  };
  const endless: Job = function* (member) {
    for (;;) yield* member.call("getpid");
  };
  const tasks = new Map([
    [
      LEADER,
      crew.run(stub, [
        [10, failing],
        [11, endless],
      ]),
    ],
    [10, crew.member(10)(stub)],
    [11, crew.member(11)(stub)],
  ]);
  let turn = 0;
  expect(() => {
    schedule(tasks, () => turn++);
  }).toThrow("no memory");
});
