import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseReports } from "../../src/carry-over/watch.js";

const HANDLE = [1, 2, 3, 4, 5, 6, 7, 8];

/** A report of the kernel, as fanotify(7) has it: about a name in a directory. */
function report(name: string, mask = 0x100): Uint8Array {
  const text = new TextEncoder().encode(`${name}\0`);
  const info = 12 + 8 + HANDLE.length + text.length;
  const length = 24 + ((info + 3) & ~3);
  const view = new DataView(new ArrayBuffer(length));
  view.setUint32(0, length, true);
  view.setUint8(4, 3);
  view.setUint16(6, 24, true);
  view.setUint32(8, mask, true);
  view.setInt32(16, -1, true);
  view.setUint8(24, 2);
  view.setUint16(26, info, true);
  view.setUint32(36, HANDLE.length, true);
  view.setInt32(40, 1, true);
  const bytes = new Uint8Array(view.buffer);
  bytes.set(HANDLE, 44);
  bytes.set(text, 44 + HANDLE.length);
  return bytes;
}

describe("what fanotify reports", () => {
  test("is names in directories, one after the other", () => {
    const reports = parseReports(Uint8Array.from([...report("a"), ...report("a longer name")]));
    expect(reports?.map(({ name }) => name)).toEqual(["a", "a longer name"]);
    expect(Array.from(reports?.[0]?.directory ?? []).slice(8)).toEqual(HANDLE);
  });

  test("is not relied on if some reports were lost", () => {
    expect(parseReports(report("a", 0x4000))).toBeNull();
  });

  test("is not relied on if it is cut off, or anything else", () => {
    const whole = report("name");
    for (let length = 1; length < whole.length; length++) {
      expect(parseReports(whole.slice(0, length)), String(length)).toBeNull();
    }
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const reports = parseReports(bytes);
        if (reports !== null) expect(reports.length * 44).toBeLessThanOrEqual(bytes.length);
      }),
    );
  });
});
