import { expect, test } from "vitest";
import { temporaryDirectory } from "../experiment/temporary-directory.js";
import { runProgram } from "../support/program.js";

test("a guest that is in the cache is listed so, and is verified to the last byte", async () => {
  expect(await runProgram(["images", "list"])).toMatchObject({
    status: 0,
    stdout: expect.stringMatching(/^busybox +in the cache +\S/) as string,
  });
  const { status, stdout } = await runProgram(["images", "verify", "busybox"]);
  expect(stdout).toMatch(/^good +linux-image-6\.1\.0-50-686 /m);
  expect(stdout).toMatch(/^good +system disk$/m);
  expect(stdout).toMatch(
    /^The signed index of bookworm of .* lists \d+ packages as they are pinned/m,
  );
  expect(stdout).not.toContain("missing");
  expect(status).toBe(0);
});

test("an empty cache is told from a good one, with the way out", async () => {
  const env = { SHADOW_REBOOT_CACHE: temporaryDirectory() };
  expect((await runProgram(["images", "list"], { env })).stdout).toMatch(/^busybox +not built/);
  const { status, stdout } = await runProgram(["images", "verify"], { env });
  expect(stdout).toMatch(/^missing +system disk$/m);
  expect(stdout).toContain('"shadow-reboot images build busybox" gets and builds it');
  expect(status).toBe(1);
});

test("a guest is shown with its updates, and with what is checked after a boot", async () => {
  const { status, stdout } = await runProgram(["images", "show", "busybox"]);
  expect(stdout).toMatch(
    /^kernel +GRUB starts the newer .*\n +in effect if the kernel is 6\.1\.0-50-686$/m,
  );
  expect(stdout).toMatch(/^all .*\n +is kernel, config$/m);
  expect(stdout).toMatch(/^ +in effect if "hostname" prints \/\^new-guest\$\/$/m);
  expect(stdout).toMatch(/^Health checks\nlogin +a login answers\n/m);
  expect(stdout).toMatch(/^klogd +"pidof klogd" prints /m);
  expect(status).toBe(0);
});
