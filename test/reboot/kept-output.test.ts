import { expect, test } from "vitest";
import { virtualMs } from "../../src/clock/virtual-time.js";
import { keepOutput } from "../../src/reboot/kept-output.js";
import type { ConsoleOutput } from "../../src/reboot/report.js";

const output = (at: number, length = 1): ConsoleOutput => ({
  ...{ atMs: virtualMs(at), machine: "original", line: 0, bytes: new Uint8Array(length) },
});

test.each([
  ["pieces", { pieces: 2, bytes: 100 }, [1, 1, 1, 1]],
  ["bytes", { pieces: 100, bytes: 10 }, [4, 6, 1, 0]],
])("output is kept up to so many %s, and what is not kept is told once", (_, most, lengths) => {
  const told: ConsoleOutput[] = [];
  const outputs = keepOutput((first) => told.push(first), most);
  for (const [at, length] of lengths.entries()) outputs.add(output(at, length));
  expect(outputs.kept.map(({ atMs }) => atMs)).toEqual([0, 1]);
  expect(told.map(({ atMs }) => atMs)).toEqual([2]);
});
