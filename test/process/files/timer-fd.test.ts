import fc from "fast-check";
import { expect, test } from "vitest";
import { parseFields, ProcfsError } from "../../../src/guest/procfs.js";
import { parseTimer } from "../../../src/process/files/timer-fd.js";

const FDINFO = `pos:	0
flags:	02004002
mnt_id:	15
ino:	1058
clockid: 1
ticks: 3
settime flags: 03
it_value: (0, 49406829)
it_interval: (1, 500000000)
`;

test("a timer is read with its times in nanoseconds", () => {
  expect(parseTimer(parseFields(FDINFO))).toEqual({
    clock: 1,
    settimeFlags: 3,
    leftNs: 49_406_829n,
    intervalNs: 1_500_000_000n,
    ticks: 3n,
  });
});

test("a time that is none is refused", () => {
  const wrong = FDINFO.replace("(0, 49406829)", "(0, -1)");
  expect(() => parseTimer(parseFields(wrong))).toThrow(ProcfsError);
});

test("no text gives a timer by accident", () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(() => parseTimer(parseFields(text))).toThrow(ProcfsError);
    }),
  );
});
