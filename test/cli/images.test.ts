import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { cacheFolder } from "../../src/node/cache.js";
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

test("a guest whose disks are there is listed so, even if its packages are gone", async () => {
  const cache = temporaryDirectory();
  const guests = path.join(cacheFolder(), "guests");
  mkdirSync(path.join(cache, "guests"));
  for (const name of readdirSync(guests).filter((each) => each.startsWith("busybox-"))) {
    symlinkSync(path.join(guests, name), path.join(cache, "guests", name));
  }
  const { stdout } = await runProgram(["images", "list"], { env: { SHADOW_REBOOT_CACHE: cache } });
  expect(stdout).toMatch(/^busybox +in the cache/);
  expect(stdout).toMatch(/^systemd +not built/m);
});

test("an imported guest with a broken recipe is listed with what is wrong, among the others", async () => {
  const cache = temporaryDirectory();
  const file = path.join(cache, "imported", "mine", "recipe.json");
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, '{"description":"mine"}');
  const env = { SHADOW_REBOOT_CACHE: cache };
  const { status, stdout } = await runProgram(["images", "list"], { env });
  expect(stdout).toMatch(/^busybox +not built/);
  expect(stdout).toMatch(
    /^mine +damaged +.* is not a recipe: .*memoryMegabytes.*: import it again$/m,
  );
  expect(stdout).toContain(`${file} is not a recipe`);
  expect(status).toBe(0);
  expect((await runProgram(["images", "show", "mine"], { env })).stderr).toContain(
    `${file} is not a recipe`,
  );
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
