import { describe, expect, test } from "vitest";
import { parseHeartbeat } from "../../src/reboot/programs.js";

describe("what a heartbeat says of itself", () => {
  test("is how often it has beaten, and how long it was kept from that", () => {
    expect(parseHeartbeat("31999 beats, longest gap 26.512048 ms\n")).toEqual({
      beats: 31_999,
      gapMs: 26.512048,
    });
  });

  test("is found among what a shell says of its jobs", () => {
    const text = "[1]+  Done  sleep 1\n2 beats, longest gap 0.5 ms\n";
    expect(parseHeartbeat(text)).toMatchObject({ beats: 2 });
  });

  test.each([
    "",
    "beats, longest gap ms",
    "1 beats, longest gap -1.0 ms",
    `${"9".repeat(16)} beats`,
  ])("is nothing if it is %j", (text) => {
    expect(parseHeartbeat(text)).toBeNull();
  });
});
