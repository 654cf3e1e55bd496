import { expect, test } from "vitest";
import { formatDuration } from "../../src/experiment/duration.js";

test.each([
  [0, "0 ms"],
  [0.42, "0.4 ms"],
  [9.94, "9.9 ms"],
  [9.96, "10 ms"],
  [46.2, "46 ms"],
  [999.4, "999 ms"],
  [999.6, "1.00 s"],
  [8820, "8.82 s"],
  [9996, "10.0 s"],
  [123_456, "123.5 s"],
])("%d ms reads %s", (ms, text) => {
  expect(formatDuration(ms)).toBe(text);
});
