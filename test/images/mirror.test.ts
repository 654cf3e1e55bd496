import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { findMirror } from "../../src/images/mirror.js";

let apt: string;
beforeEach(async () => {
  apt = await mkdtemp(join(tmpdir(), "apt-test-"));
  await mkdir(join(apt, "sources.list.d"));
});
afterEach(() => rm(apt, { recursive: true, force: true }));

const source = (name: string, text: string) => writeFile(join(apt, name), text);

test("the user's own choice comes first", async () => {
  await source("sources.list", "deb http://other.example/debian bookworm main\n");
  const env = { SHADOW_REBOOT_MIRROR: "https://mirror.example/debian/" };
  expect(await findMirror(env, apt)).toEqual({
    url: "https://mirror.example/debian",
    from: "SHADOW_REBOOT_MIRROR",
  });
});

test("a choice that is no address is refused, not passed over", async () => {
  await source("sources.list", "deb http://other.example/debian bookworm main\n");
  const env = { SHADOW_REBOOT_MIRROR: "mirror.example" };
  await expect(findMirror(env, apt)).rejects.toThrow(/"mirror.example", not an http or https/);
});

describe("from apt's one-line entries", () => {
  test("the main archive is taken, not security, comments, sources or removable media", async () => {
    await source(
      "sources.list",
      [
        "# deb http://comment.example/debian bookworm main",
        "deb cdrom:[Debian 12]/ bookworm main",
        "deb http://security.example/debian-security bookworm-security main",
        "deb-src http://source.example/debian bookworm main",
        "deb [arch=amd64 signed-by=/k.gpg] http://main.example/debian/ bookworm main contrib",
      ].join("\n"),
    );
    expect(await findMirror({}, apt)).toEqual({
      url: "http://main.example/debian",
      from: join(apt, "sources.list"),
    });
  });

  test("an archive of something else is not taken, whatever its suites are called", async () => {
    await source(
      "sources.list",
      [
        "deb https://browser.example/linux/deb stable main",
        "deb https://containers.example/linux/debian bookworm stable",
        "deb http://main.example/debian bookworm main",
      ].join("\n"),
    );
    expect((await findMirror({}, apt)).url).toBe("http://main.example/debian");
  });

  test("files beside it are read in their order", async () => {
    await source("sources.list.d/b.list", "deb http://b.example/debian trixie main\n");
    await source("sources.list.d/a.list", "deb http://a.example/debian stable main\n");
    await source("sources.list.d/0.disabled", "deb http://0.example/debian stable main\n");
    expect((await findMirror({}, apt)).url).toBe("http://a.example/debian");
  });
});

describe("from deb822 stanzas", () => {
  test("the enabled binary stanza of the main archive is taken", async () => {
    await source(
      "sources.list.d/debian.sources",
      `Types: deb
URIs: http://security.example/debian-security
Suites: bookworm-security

Enabled: no
Types: deb
URIs: http://disabled.example/debian
Suites: bookworm

Types: deb-src
URIs: http://source.example/debian
Suites: bookworm

Types: deb deb-src
# a comment in between
URIs:
 http://main.example/debian
 http://second.example/debian
Suites: bookworm-updates
 bookworm
Components: main
`,
    );
    expect((await findMirror({}, apt)).url).toBe("http://main.example/debian");
  });

  test("a list of mirrors in a file is followed", async () => {
    await source("mirrors", "https://listed.example/debian\tpriority:1\n");
    await source(
      "sources.list.d/debian.sources",
      `Types: deb\nURIs: mirror+file://${join(apt, "mirrors")}\nSuites: bookworm\nComponents: main\n`,
    );
    expect((await findMirror({}, apt)).url).toBe("https://listed.example/debian");
  });
});

test("another distribution's sources do not count, and the error says what to set", async () => {
  await source("sources.list", "deb http://other.example/ubuntu jammy main\n");
  await expect(findMirror({}, apt)).rejects.toThrow(/SHADOW_REBOOT_MIRROR=https/);
});

test("a system without apt gets the same error", async () => {
  await expect(findMirror({}, join(apt, "missing"))).rejects.toThrow(/set SHADOW_REBOOT_MIRROR/);
});
