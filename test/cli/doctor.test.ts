import path from "node:path";
import { writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { temporaryDirectory } from "../experiment/temporary-directory.js";
import { runProgram } from "../support/program.js";

const NAMES = ["Node.js", "emulator", "machine", "memory", "cache", "packages", "figures"];

/** The verdicts that were printed, by what they are on. */
function verdicts(stdout: string): Record<string, string> {
  return Object.fromEntries(
    stdout.split("\n").flatMap((line) => {
      const [, verdict, name] = /^(good|BAD) +(\S+)/.exec(line) ?? [];
      return name === undefined || verdict === undefined ? [] : [[name, verdict]];
    }),
  );
}

test("finds everything good where the other tests run, without a network", async () => {
  const { status, stdout } = await runProgram(["doctor"], {
    env: { SHADOW_REBOOT_MIRROR: "not an address" },
  });
  expect(verdicts(stdout)).toEqual(Object.fromEntries(NAMES.map((name) => [name, "good"])));
  expect(status).toBe(0);
});

test("says how to mend a cache folder that cannot be one", async () => {
  const file = path.join(temporaryDirectory(), "file");
  writeFileSync(file, "");
  const { status, stdout } = await runProgram(["doctor"], { env: { SHADOW_REBOOT_CACHE: file } });
  expect(verdicts(stdout)).toMatchObject({ cache: "BAD", packages: "BAD", figures: "good" });
  expect(stdout).toMatch(/cache folder .* set SHADOW_REBOOT_CACHE/);
  expect(status).toBe(1);
});

test("says how to name a mirror when packages are missing and none is known", async () => {
  const { status, stdout } = await runProgram(["doctor"], {
    env: { SHADOW_REBOOT_CACHE: temporaryDirectory(), SHADOW_REBOOT_MIRROR: "not an address" },
  });
  expect(verdicts(stdout)).toMatchObject({ cache: "good", packages: "BAD" });
  expect(stdout).toContain("set SHADOW_REBOOT_MIRROR");
  expect(status).toBe(1);
});
