import { describe, expect, test } from "vitest";
import { virtualMs } from "../../src/clock/virtual-time.js";
import { eventsForDigest } from "../../src/reboot/digest.js";
import { parseEvents } from "../../src/experiment/events.js";
import { sampleReport } from "../experiment/sample-report.js";

const textOf = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

describe("the events of a run as bytes", () => {
  test("are lines of JSON with their keys in the alphabet's order", () => {
    const bytes = eventsForDigest([
      { machine: "original", kind: "reset", atMs: virtualMs(2), detail: { z: 1, a: true } },
      { kind: "commit", atMs: virtualMs(0.1 + 0.2) },
    ]);
    expect(textOf(bytes)).toBe(
      '{"atMs":2,"detail":{"a":true,"z":1},"kind":"reset","machine":"original"}\n' +
        '{"atMs":0.3,"kind":"commit"}\n',
    );
  });

  test("do not depend on the order in which a detail was written", () => {
    const at = virtualMs(1);
    expect(eventsForDigest([{ atMs: at, kind: "k", detail: { a: 1, b: "x" } }])).toEqual(
      eventsForDigest([{ kind: "k", detail: { b: "x", a: 1 }, atMs: at }]),
    );
  });

  test("tell apart events in another order", () => {
    const { events } = sampleReport("shadow");
    expect(eventsForDigest([...events].reverse())).not.toEqual(eventsForDigest(events));
  });

  test("can be read back", () => {
    const { events } = sampleReport("shadow");
    expect(parseEvents(textOf(eventsForDigest(events)))).toEqual(events);
    expect(parseEvents("")).toEqual([]);
  });
});

describe("a damaged list of events", () => {
  test.each([
    ["no JSON", "{"],
    ["a key that no event has", '{"atMs":1,"kind":"reset","wallMs":3}'],
    ["a machine that no run has", '{"atMs":1,"kind":"reset","machine":"third"}'],
    ["an empty line", ""],
  ])("is refused by its line: %s", (_, line) => {
    expect(() => parseEvents(`{"atMs":1,"kind":"ok"}\n${line}\n`)).toThrow(
      "line 2 is not an event of a run",
    );
  });
});
