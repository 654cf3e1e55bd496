import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { virtualMs } from "../../src/clock/virtual-time.js";
import { consolesByName, toCast } from "../../src/experiment/cast.js";
import type { ConsoleOutput } from "../../src/reboot/report.js";
import { sampleReport } from "./sample-report.js";

const header = z.strictObject({
  version: z.literal(2),
  width: z.literal(80),
  height: z.literal(24),
  title: z.string(),
});
const event = z.tuple([z.number().nonnegative(), z.literal("o"), z.string().min(1)]);

function read(cast: string) {
  expect(cast.endsWith("\n")).toBe(true);
  const [first = "", ...rest] = cast.slice(0, -1).split("\n");
  return {
    header: header.parse(JSON.parse(first)),
    events: rest.map((line) => event.parse(JSON.parse(line))),
  };
}

function output(pieces: readonly (readonly number[] | Uint8Array)[]): ConsoleOutput[] {
  return pieces.map((piece, index) => ({
    atMs: virtualMs(index * 10),
    machine: "original",
    line: 0,
    bytes: Uint8Array.from(piece),
  }));
}

describe("a console as an asciicast", () => {
  test("has the output in seconds and no time of day", () => {
    const { header, events } = read(
      toCast(
        "login",
        output([
          [0x68, 0x69],
          [0x0d, 0x0a],
        ]),
      ),
    );
    expect(header.title).toBe("login");
    expect(events).toEqual([
      [0, "o", "hi"],
      [0.01, "o", "\r\n"],
    ]);
  });

  test("shows a character that came in pieces with its last byte", () => {
    const { events } = read(toCast("", output([[0x41, 0xe2], [0x82], [0xac, 0x42]])));
    expect(events).toEqual([
      [0, "o", "A"],
      [0.02, "o", "€B"],
    ]);
  });

  test("shows invalid and unfinished bytes as U+FFFD", () => {
    const { events } = read(
      toCast(
        "",
        output([
          [0xff, 0x41],
          [0xe2, 0x82],
        ]),
      ),
    );
    expect(events.map(([, , text]) => text)).toEqual(["\ufffdA", "\ufffd"]);
  });

  test("keeps every text, however its bytes are cut", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: "binary" }),
        fc.array(fc.nat({ max: 40 }), { maxLength: 8 }),
        (text, cuts) => {
          const bytes = new TextEncoder().encode(text);
          const edges = [0, ...cuts.sort((a, b) => a - b), bytes.length];
          const pieces = edges.slice(1).map((to, index) => bytes.subarray(edges[index], to));
          const { events } = read(toCast("", output(pieces)));
          expect(events.map(([, , part]) => part).join("")).toBe(text);
        },
      ),
    );
  });
});

test("each serial line of each machine is a recording of its own", () => {
  const consoles = consolesByName(sampleReport("shadow").consoles);
  expect(consoles.map(([name, outputs]) => [name, outputs.length])).toEqual([
    ["original-serial0", 1],
    ["original-serial1", 1],
    ["reboot-dedicated-serial0", 1],
  ]);
});
