import { describe, expect, test } from "vitest";
import { KEYRING_PACKAGE } from "../../src/images/archive.js";
import { textOf } from "../../src/images/file-tree.js";
import { readGuestTexts } from "../../src/images/guest-files.js";
import { listLayers, planLayer, unpackOver } from "../../src/images/layer.js";
import { planRoot, withFirstScript } from "../../src/images/layered-root.js";
import { readRecipe } from "../../src/images/recipe.js";
import { debOf } from "./package-fixture.js";

const silent = { progress: () => undefined };

describe("the layers of this repository", () => {
  test("have all of their packages pinned, each of its own suite", async () => {
    expect(await listLayers()).toContain("debian12");
    for (const name of await listLayers()) {
      const { recipe, pins } = await planLayer(name);
      expect(pins.map((pin) => pin.name)).toContain("dpkg");
      expect(pins.find((pin) => pin.name === "libc6")?.suite).toBe(recipe.suite);
    }
  });

  test("hold an older OpenSSL, and the newer one's packages to update it with", async () => {
    const { pins, archives } = await planLayer("debian12");
    const version = (list: typeof pins) => list.find(({ name }) => name === "libssl3")?.version;
    expect(version(pins)).toMatch(/^3\.0\.17-/);
    expect(version(archives)).toMatch(/^3\.0\.20-/);
  });

  test("are named where there is none of that name", async () => {
    await expect(planLayer("debian99")).rejects.toThrow(
      /no layer "debian99"; there are: .*debian12/,
    );
  });
});

test("packages lie over a layer with their files and in dpkg's database", async () => {
  const { texts } = await planLayer("debian12");
  const below = await unpackOver(
    new Map(),
    [await debOf([{ name: "./bin/a", content: "a" }])],
    texts,
    silent,
  );
  const deb = await debOf([
    { name: "./sbin/b", content: "b" },
    { name: "./usr/share/man/man1/b.1", content: "text" },
  ]);
  const root = await unpackOver(below, [deb], texts, silent);
  expect(textOf(root, "usr/bin/a")).toBe("a");
  expect(textOf(root, "usr/sbin/b")).toBe("b");
  expect([...root.keys()]).not.toContain("usr/share/man/man1/b.1");
  expect(textOf(root, "var/lib/dpkg/status").match(/^Package: /gm)).toHaveLength(2);
});

test("packages to be installed by updates lie where apt has them, and are not unpacked", async () => {
  const { layer, packages, archives } = await readRecipe("debian12");
  const root = await planRoot(layer ?? "", packages, archives);
  expect(root.pins.map(({ name }) => name)).not.toContain("linux-image-6.1.0-50-686");
  expect(root.archives.map(({ name }) => name)).toContain("linux-image-6.1.0-50-686");
  expect(root.key).not.toBe((await planRoot(layer ?? "", packages)).key);
});

test("on a layer, packages are configured before the guest's own script runs", async () => {
  const { layer, packages } = await readRecipe("systemd");
  const root = await planRoot(layer ?? "", packages);
  expect(root.pins.map(({ name }) => name)).not.toContain(KEYRING_PACKAGE);
  const { guest } = withFirstScript(await readGuestTexts("systemd"), root);
  const script = textOf(guest, "configure");
  expect(script.indexOf("dpkg --configure")).toBeLessThan(script.indexOf("systemctl enable"));
});
