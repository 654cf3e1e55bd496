import fc from "fast-check";
import { expect, test } from "vitest";
import { virtualMs } from "../../src/clock/virtual-time.js";
import { parseProbe, probeCsv } from "../../src/experiment/probe-file.js";

const moment = fc.integer({ min: 0, max: 1e12 }).map((ns) => virtualMs(ns / 1e6));

test("what a probe asked and heard comes back from its file", () => {
  const answers = fc.array(
    fc.record({ sentMs: moment, answeredMs: fc.option(moment, { nil: null }) }),
  );
  fc.assert(
    fc.property(answers, (probe) => {
      expect(parseProbe(probeCsv(probe))).toEqual(probe);
    }),
  );
});

test("a line that is none of it is named", () => {
  expect(() => parseProbe("asked_ms,answered_ms\n1,2\nx,3\n")).toThrow(/line 3/);
  expect(() => parseProbe("a,b\n")).toThrow(/heading/);
});
