import fc from "fast-check";
import { expect, test } from "vitest";
import { ProcfsError } from "../../src/guest/procfs.js";
import { parseTimers } from "../../src/process/timers.js";

const TWO = `ID: 2
signal: 36/00000065
notify: signal/pid.20004
ClockID: 1
ID: 1
signal: 0/ca
notify: none/tid.20006
ClockID: -6
`;

test("each timer of a process, as /proc shows them", () => {
  expect(parseTimers(TWO)).toEqual([
    { id: 2, clock: 1, signal: 36, value: 0x65, notify: 0, thread: null },
    { id: 1, clock: -6, signal: 0, value: 0xca, notify: 1, thread: 20006 },
  ]);
  expect(parseTimers("")).toEqual([]);
});

test("what is no list of timers is refused", () => {
  expect(() => parseTimers(TWO.replace("none", "other"))).toThrow(ProcfsError);
  fc.assert(
    fc.property(fc.string({ minLength: 1 }), (text) => {
      expect(() => parseTimers(text)).toThrow(ProcfsError);
    }),
  );
});
