import { loadGuest } from "../images/build.js";
import { cpioArchive } from "../images/cpio.js";
import { DebError, unpackDeb } from "../images/deb.js";
import { program } from "../images/file-tree.js";
import { pinOf, readPins } from "../images/packages.js";
import { cachedDeb } from "../images/supply.js";
import { openCache } from "../node/cache.js";
import type { MachineParts } from "../node/start-machine.js";

/** What the guest prints when its shell is about to come. */
export const READY = /^READY$/m;

const KERNEL_PACKAGE = "linux-image-6.1.0-50-686";
const COMMAND_LINE =
  "console=ttyS0 quiet tsc=reliable mitigations=off nokaslr cryptomgr.notests panic=-1";
const INIT = `#!/bin/busybox sh
/bin/busybox mount -t proc proc /proc
mount -t devtmpfs devtmpfs /dev
exec </dev/console >/dev/console 2>&1
echo READY
exec /bin/busybox sh
`;

/**
 * The smallest guest that is a real one: a Debian kernel of the guest `busybox` that runs a shell from
 * an initramfs, without disks. Its parts come from the cache, so that guest must have been built.
 */
export async function kernelGuest(): Promise<Omit<MachineParts, "name" | "memoryBytes">> {
  const cache = await openCache();
  const pins = await readPins();
  const { bios, vgaBios } = await loadGuest("busybox", { cache, progress: () => undefined });

  async function fileOf(packageName: string, wanted: RegExp): Promise<Uint8Array> {
    const deb = await cachedDeb(pinOf(pins, packageName), cache);
    const files = await unpackDeb(deb ?? new Uint8Array(), (path) => wanted.test(path));
    const [file] = files.values();
    if (file?.kind !== "file")
      throw new DebError(`the package ${packageName} has no ${wanted.source}`);
    return file.content;
  }

  const busybox = await fileOf("busybox-static", /^bin\/busybox$/);
  const directory = { kind: "directory", mode: 0o755 } as const;
  const initrd = cpioArchive(
    new Map([
      ["bin/busybox", program(busybox)],
      ["init", program(INIT)],
      ["proc", directory],
      ["dev", directory],
    ]),
  );
  const kernel = await fileOf(KERNEL_PACKAGE, /^boot\/vmlinuz-/);
  return {
    bios,
    vgaBios,
    boot: { from: "kernel", kernel, initrd, commandLine: COMMAND_LINE },
    disks: [],
    seed: 1,
    epochMs: Date.UTC(2026, 0, 1),
  };
}
