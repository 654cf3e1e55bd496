import fc from "fast-check";
import { expect, test } from "vitest";
import { ProcfsError } from "../../../src/guest/procfs.js";
import { parseWatches } from "../../../src/process/files/epoll.js";

test("what an instance watches is read with its whole value", () => {
  const line = "5 events:       19 data: 1111222233334444  pos:0 ino:401 sdev:e";
  expect(parseWatches([line])).toEqual([{ number: 5, events: 0x19, data: 0x1111222233334444n }]);
});

test("all bits of the events are kept", () => {
  const [watch] = parseWatches(["12 events: c0002019 data: ffffffffffffffff  pos:0 ino:1 sdev:e"]);
  expect(watch).toEqual({ number: 12, events: 0xc0002019, data: 0xffffffffffffffffn });
});

test("a line of another kind is refused, whatever it is", () => {
  expect(() => parseWatches(["5 events: 19"])).toThrow(ProcfsError);
  fc.assert(
    fc.property(fc.string(), (line) => {
      try {
        for (const { number } of parseWatches([line])) expect(number).toBeGreaterThanOrEqual(0);
      } catch (error) {
        expect(error).toBeInstanceOf(ProcfsError);
      }
    }),
  );
});
