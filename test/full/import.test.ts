import { rm } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { prepareFollowed } from "../../src/experiment/preparation.js";
import { guestLogin, guestProfile } from "../../src/experiment/prepared-guest.js";
import { DEFAULT_HOST } from "../../src/host/config.js";
import { sharedImage } from "../../src/images/guest-store.js";
import { importGuest, type ImportOptions } from "../../src/images/import.js";
import { diskOf } from "../../src/images/import-layout.js";
import { openWorkshop } from "../../src/images/import-workshop.js";
import { importedFolder, listImported } from "../../src/images/imported.js";
import { ingredient } from "../../src/images/ingredients.js";
import { openConsole } from "../../src/machine/console.js";
import { openCache } from "../../src/node/cache.js";
import { runUpdate, type StrategyName } from "../../src/reboot/update.js";
import { logIn, runCommand } from "../../src/reboot/vm.js";
import { nonZeroPages, writePages } from "../../src/storage/pages.js";
import { tarball } from "../support/tarball.js";
import { foreignParts, foreignTarball, LONG_NAME, type Parts } from "../support/foreign-system.js";
import { QUIET } from "../support/quiet.js";

const TARBALL = "test-of-a-tarball";
const DISK = "test-of-a-disk";

let parts: Parts;
const { signal } = QUIET;

beforeAll(async () => {
  parts = await foreignParts();
});

afterAll(async () => {
  const cache = await openCache();
  for (const name of [TARBALL, DISK]) {
    await rm(cache.path(importedFolder(name)), { recursive: true, force: true });
  }
});

async function optionsFor(name: string): Promise<ImportOptions> {
  return {
    name,
    cache: await openCache(),
    progress: () => undefined,
    signal,
    user: "root",
    loginPrompt: "^(?!Last )\\S+ login: $",
    shellPrompt: "[#$] $",
    memoryMegabytes: 128,
    kernel: null,
  };
}

/** What a user reads after a command in a guest that has just booted. */
async function ask(name: string, command: string): Promise<string> {
  const guest = await prepareFollowed(name, QUIET);
  const machine = await guest.startMachine(name);
  try {
    await machine.restoreSnapshot(guest.bootSnapshot);
    const terminal = { machine, console: openConsole(machine, 0) };
    await logIn(terminal, { login: guestLogin(guest.recipe) });
    return (await runCommand(terminal, command, 60_000)).output;
  } finally {
    await machine.dispose();
  }
}

async function update(name: string, strategy: StrategyName, updateName: string) {
  const guest = await prepareFollowed(name, QUIET);
  return runUpdate({
    strategy,
    guest: guestProfile(guest, updateName),
    bootSnapshot: guest.bootSnapshot,
    host: DEFAULT_HOST,
    startMachine: (machine) => guest.startMachine(machine),
    wallNow: () => performance.now(),
  });
}

describe("a tarball of a root", () => {
  beforeAll(async () => {
    const { system, recipe, changes } = await importGuest(
      await foreignTarball(parts),
      "stranger.tar",
      await optionsFor(TARBALL),
    );
    expect(system).toMatchObject({ init: "busybox", initPath: "/bin/busybox" });
    expect(system.kernels.map(({ release }) => release)).toEqual(["6.1.0-47-686", "6.1.0-50-686"]);
    expect(Object.keys(recipe.updates)).toEqual(["restart", "kernel"]);
    expect(changes.join("\n")).toContain("SELinux is permissive");
  });

  test("becomes a guest that is listed and boots", async () => {
    expect(await listImported()).toContain(TARBALL);
    expect(await ask(TARBALL, "hostname; uname -r")).toBe("stranger\n6.1.0-47-686\n");
  });

  test("has its files with owners, modes and links", async () => {
    const said = await ask(TARBALL, "stat -c '%a %u %g %h' /srv/owned /srv/linked");
    expect(said).toBe("4711 1234 100 2\n4711 1234 100 2\n");
    expect(await ask(TARBALL, `cat /${LONG_NAME} /etc/selinux/config`)).toBe(
      "found\nSELINUX=permissive\nSELINUXTYPE=targeted\n",
    );
  });

  test("can be updated by a shadow reboot", async () => {
    const report = await update(TARBALL, "shadow", "kernel");
    expect(report.failure).toBeNull();
    expect(report).toMatchObject({ committed: true, kernelAfter: "6.1.0-50-686" });
    expect(report.downtime.virtualMs).toBeLessThan(200);
  });
});

/** Where the root lies on the disk of the stranger, behind a partition for swapping, in sectors. */
const SWAP = { start: 2048, sectors: 6144 };
const ROOT = { start: 8192 + 63, sectors: 180_000 };
const GRUB_CONFIG = `serial
terminal_output serial
set timeout=0
menuentry 'stranger' {
  linux /boot/vmlinuz-6.1.0-50-686 root=/dev/sda2 console=ttyS0 cryptomgr.notests
  initrd /boot/initramfs-6.1.0-50-686.img
}
`;

/** A disk as another tool might lay it out: two partitions, the second with ext2 and blocks of 1 KiB. */
async function foreignDisk(): Promise<Uint8Array> {
  const { recipe, ingredients } = parts;
  const disk = new Uint8Array(new SharedArrayBuffer(96 << 20));
  const view = new DataView(disk.buffer);
  disk.set(
    ingredient(ingredients, "grub-pc-bin", "usr/lib/grub/i386-pc/boot.img").subarray(0, 440),
  );
  for (const [index, [type, { start, sectors }]] of [
    [0x82, SWAP] as const,
    [0x83, ROOT] as const,
  ].entries()) {
    view.setUint8(446 + 16 * index + 4, type);
    view.setUint32(446 + 16 * index + 8, start, true);
    view.setUint32(446 + 16 * index + 12, sectors, true);
  }
  view.setUint16(510, 0xaa55, true);
  const tarball = await foreignTarball(parts, { "boot/grub/grub.cfg": GRUB_CONFIG });
  const padded = new Uint8Array(Math.ceil(tarball.length / 4096) * 4096);
  padded.set(tarball);
  const disks = [diskOf("system", disk), diskOf("tarball", sharedImage(nonZeroPages(padded)))];
  const shop = await openWorkshop({ recipe, ingredients, disks, files: new Map(), signal });
  try {
    for (const command of [
      "/sbin/mke2fs -q -t ext2 -b 1024 -I 128 /dev/sda2",
      "mkdir /target && mount -t ext4 /dev/sda2 /target && tar -x -f /dev/sdb -C /target",
      "umount /target",
      'grub-mkimage -O i386-pc -o /core.img -p "(hd0,msdos2)/boot/grub" biosdisk part_msdos ext2 normal linux serial terminal',
      "dd if=/core.img of=/dev/sda bs=512 seek=1 && sync",
    ]) {
      await shop.run(command, command);
    }
    writePages(disk, await shop.written());
    return disk.slice();
  } finally {
    await shop.dispose();
  }
}

describe("a disk image that others laid out", () => {
  beforeAll(async () => {
    const { system, changes } = await importGuest(
      await foreignDisk(),
      "stranger.img",
      await optionsFor(DISK),
    );
    expect(system.init).toBe("busybox");
    expect(changes.join("\n")).toContain("the password of root is taken away");
  });

  test("boots by its own boot loader from its own file system", async () => {
    const said = await ask(DISK, "uname -r; cat /proc/cmdline; cat /boot/grub/grub.cfg");
    expect(said).toContain("6.1.0-50-686\n");
    expect(said).toContain("root=/dev/sda2");
    expect(said).toContain("menuentry 'stranger'");
  });

  test("can be restarted by a shadow reboot", async () => {
    const report = await update(DISK, "shadow", "restart");
    expect(report.failure).toBeNull();
    expect(report.committed).toBe(true);
  });
});

/** The root of a system whose init is a program for x86-64. */
const sixtyFourBits = () =>
  tarball([
    { name: "etc/passwd", content: "root:x:0:0:root:/:/bin/sh\n" },
    {
      name: "sbin/init",
      mode: 0o755,
      content: Buffer.from("7f454c46020101000000000000000000 02003e00".replace(" ", ""), "hex"),
    },
  ]);

const container = () => tarball([{ name: "etc/passwd", content: "root:x:0:0:root:/:/bin/sh\n" }]);

const absoluteLink = () =>
  tarball([
    { name: "etc/passwd", content: "root:x:0:0:root:/:/bin/sh\n" },
    { name: "sbin", type: "symlink", linkname: "/usr/sbin" },
  ]);

/** A disk with a physical volume of LVM in its only partition. */
function lvmDisk(): Promise<Uint8Array> {
  const disk = new Uint8Array(8 << 20);
  const view = new DataView(disk.buffer);
  view.setUint8(446 + 4, 0x8e);
  view.setUint32(446 + 8, 2048, true);
  view.setUint32(446 + 12, 8192, true);
  view.setUint16(510, 0xaa55, true);
  disk.set(Buffer.from("LABELONE"), 2049 * 512);
  return Promise.resolve(disk);
}

test.each([
  ["a system for 64 bits", sixtyFourBits, /\/sbin\/init is a program for another processor.*i386/],
  ["a container's root", container, /no init in the system.*not that of a container/],
  [
    "a folder that is an absolute link",
    absoluteLink,
    /\/sbin is a symbolic link to \/usr\/sbin.*ln -sfn usr\/sbin \/sbin/,
  ],
  ["a root on LVM", lvmDisk, /\/dev\/sda1: LVM.*pack the files of the system with tar/],
])("%s is refused with the way out, and leaves no guest behind", async (_, make, says) => {
  const options = await optionsFor("test-of-a-refusal");
  await expect(importGuest(await make(), "file", options)).rejects.toThrow(says);
  expect(await listImported()).not.toContain("test-of-a-refusal");
});
