import fc from "fast-check";
import { expect, test } from "vitest";
import { type ProcessSummary, select } from "../../src/process/select.js";

function summary(pid: number, parent: number, more: Partial<ProcessSummary> = {}): ProcessSummary {
  const rest = { group: pid, session: pid, name: `p${pid}`, state: "S", terminal: 0 };
  return { pid, parent, foreground: -1, kernelThread: false, ...rest, ...more };
}

const INIT = summary(1, 0);
const pids = (chosen: readonly ProcessSummary[]): number[] => chosen.map(({ pid }) => pid);

test("a process is chosen with all that descend from it, and with nothing else", () => {
  const all = [INIT, summary(10, 1), summary(11, 10), summary(12, 11), summary(20, 1)];
  expect(pids(select(all, [{ by: "pid", pid: 10 }], 99))).toEqual([10, 11, 12]);
});

test("by name and by session there can be several, each once", () => {
  const shell = { name: "sh", session: 10 };
  const all = [INIT, summary(10, 1, shell), summary(11, 10, shell), summary(12, 1, shell)];
  expect(pids(select(all, [{ by: "name", name: "sh" }], 99))).toEqual([10, 11, 12]);
  expect(pids(select(all, [{ by: "session", session: 10 }], 99))).toEqual([10, 11, 12]);
});

test("parents stand before their children though their numbers have wrapped", () => {
  const all = [INIT, summary(5, 900), summary(900, 1)];
  expect(pids(select(all, [{ by: "pid", pid: 900 }], 99))).toEqual([900, 5]);
});

test("the stub, those that it descends from, and the kernel's threads are spared", () => {
  const all = [
    INIT,
    summary(10, 1),
    summary(11, 10),
    summary(12, 10),
    summary(2, 0, { kernelThread: true }),
  ];
  expect(pids(select(all, [{ by: "pid", pid: 1 }], 11))).toEqual([12]);
  expect(pids(select(all, [{ by: "pid", pid: 2 }], 11))).toEqual([]);
});

test("of any list, each process is chosen at most once, never before its parent, and it ends", () => {
  const anything = fc.array(
    fc.tuple(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 0, max: 12 })),
    {
      maxLength: 12,
    },
  );
  fc.assert(
    fc.property(anything, fc.integer({ min: 1, max: 12 }), (list, own) => {
      const parents = new Map(list);
      const all = [...parents].map(([pid, parent]) => summary(pid, parent));
      const chosen = pids(
        select(
          all,
          [
            { by: "pid", pid: 3 },
            { by: "name", name: "p7" },
          ],
          own,
        ),
      );
      expect(new Set(chosen).size).toBe(chosen.length);
      expect(chosen).not.toContain(own);
      for (const [place, pid] of chosen.entries()) {
        const parent = chosen.indexOf(parents.get(pid) ?? 0);
        expect(parent).toBeLessThan(place);
      }
    }),
  );
});

test("what is excluded stays behind with all that descend from it, whoever else is chosen", () => {
  const all = [INIT, summary(10, 1), summary(11, 10), summary(12, 11), summary(13, 10)];
  const selections = [
    { by: "pid", pid: 10 },
    { by: "exclusion", pid: 11 },
  ] as const;
  expect(pids(select(all, selections, 99))).toEqual([10, 13]);
});
