import { expect, test } from "vitest";
import { describePlan } from "../../src/cli/carry-over-text.js";

test("a plan is told file by file with the reasons, and how to settle a conflict", () => {
  const text = describePlan({
    carried: [{ path: "/root/a", action: "carry", why: "only the original has changed it" }],
    kept: [{ path: "/etc/mtab", why: "it says what this system has mounted" }],
    conflicts: [{ path: "/etc/motd", why: "both systems have changed it" }],
  });
  expect(text).toMatch(/^carry +\/root\/a +only the original has changed it$/m);
  expect(text).toMatch(/^keep +\/etc\/mtab +it says what this system has mounted$/m);
  expect(text).toMatch(/^conflict +\/etc\/motd +both systems have changed it$/m);
  expect(text).toContain("--ours PATH");
});

test("without a conflict nothing stands in the way", () => {
  expect(describePlan({ carried: [], kept: [], conflicts: [] })).toBe(
    "No file on the system disk changes while the guest reboots in the background.\n" +
      "Nothing stands in the way of the update.\n",
  );
});
