import type { DiskImage } from "./guest-store.js";
import { sharedImage } from "./guest-store.js";
import { ImportError } from "./import-error.js";
import { LARGEST_DISK, mebibytes } from "./import-source.js";
import type { FoundSystem } from "./import-system.js";
import type { Workshop } from "./import-workshop.js";
import { ingredient, type Ingredients } from "./ingredients.js";
import { bootSector, SECTOR_BYTES } from "./mbr.js";
import { sha256 } from "./sha256.js";
import { nonZeroPages } from "../storage/pages.js";

/** Free space on a disk that is made for a tarball, and what its file system takes for itself. */
const SPARE_BYTES = 96 << 20;
const FILE_SYSTEM_SHARE = 1.15;
const PAGE_BYTES = 4096;

/** Names a disk by its content. */
export function diskOf(name: string, base: Uint8Array): DiskImage {
  return { name, base, sha256: sha256(base) };
}

/**
 * A disk with a partition table and nothing else, large enough for the files of a tar archive.
 *
 * @throws {ImportError} if no disk of the emulated PC is
 */
export function blankSystemDisk(tarBytes: number, ingredients: Ingredients): Uint8Array {
  const bytes = Math.ceil((tarBytes * FILE_SYSTEM_SHARE + SPARE_BYTES) / 2 ** 20) * 2 ** 20;
  if (bytes > LARGEST_DISK) {
    throw new ImportError(
      `The system has ${mebibytes(tarBytes)} MiB and would need a disk of ${mebibytes(bytes)} MiB; the ` +
        `emulated PC takes at most ${mebibytes(LARGEST_DISK)}: leave out what is not needed.`,
    );
  }
  const disk = sharedImage({
    pageCount: bytes / PAGE_BYTES,
    numbers: new Uint32Array(),
    data: new Uint8Array(),
  });
  const bootCode = ingredient(ingredients, "grub-pc-bin", "usr/lib/grub/i386-pc/boot.img");
  disk.set(bootSector(bootCode.subarray(0, SECTOR_BYTES), bytes));
  return disk;
}

/** A disk of an image as a machine takes it. */
export function wholeDisk(image: Uint8Array): Uint8Array {
  return sharedImage(nonZeroPages(image));
}

/** Features of ext4 that a kernel need not be of today to know. */
const OLD_FEATURES = "-O ^metadata_csum,^64bit";

/** Unpacks the tar archive on the second disk onto the first, and mounts that at `/target`. */
export async function unpackTarball(shop: Workshop): Promise<void> {
  await shop.run(
    `E2FSPROGS_FAKE_TIME=1783728000 /sbin/mke2fs -q -t ext4 ${OLD_FEATURES} -b 4096 -I 256 -L root /dev/sda1`,
    "the file system cannot be made",
  );
  await shop.run(
    "mkdir -p /target && mount -t ext4 /dev/sda1 /target",
    "the disk cannot be mounted",
  );
  await shop.run("tar -x -p -f /dev/sdb -C /target", "the tarball cannot be unpacked");
  await shop.run(
    "cd /target && mkdir -p dev proc sys run tmp boot/grub && cd /",
    "the root cannot be completed",
  );
}

/**
 * Finds the partition with the root on the first disk and mounts it at `/target`, with `/boot` if that has
 * a partition of its own.
 *
 * @throws {ImportError} naming what there is on the disk, if none of it is a root that can be read
 */
export async function mountSystem(shop: Workshop): Promise<string> {
  await shop.run("mkdir -p /target", "the workshop is broken");
  const listing = await shop.run("ls -d /sys/block/sda/sda*; true", "the disk cannot be read");
  const partitions = [...listing.matchAll(/\/(sda\d+)$/gm)].map(([, name]) => `/dev/${name ?? ""}`);
  const seen: string[] = [];
  for (const device of partitions.length > 0 ? partitions : ["/dev/sda"]) {
    if (!(await shop.test(`mount -t ext4 ${device} /target`))) {
      seen.push(`${device}: ${await contentOf(shop, device)}`);
      continue;
    }
    if (await shop.test("[ -f /target/etc/passwd ]")) {
      await mountBoot(shop, partitions, device);
      return device;
    }
    seen.push(`${device}: ext, but no root of a system`);
    await shop.run("umount /target", `${device} cannot be unmounted`);
  }
  throw new ImportError(
    `No partition of the disk is the root of a system on ext2, ext3 or ext4 (${seen.join("; ")}): pack the ` +
      "files of the system with tar, and import that.",
  );
}

/** What a partition has that cannot be mounted, for a person. */
async function contentOf(shop: Workshop, device: string): Promise<string> {
  const said = await shop.run(`blkid ${device}; true`, `${device} cannot be read`);
  const type = /TYPE="([^"]*)"/.exec(said)?.[1];
  if (type !== undefined) return type;
  // The label of a physical volume lies in one of the first four sectors.
  const isLvm = await shop.test(`head -c 2048 ${device} | grep -q LABELONE`);
  return isLvm ? "LVM" : "nothing known";
}

async function mountBoot(
  shop: Workshop,
  partitions: readonly string[],
  root: string,
): Promise<void> {
  const hasKernel = "ls /target/boot | grep -q -E '^(vmlinuz|kernel|bzImage|linux)'";
  if (await shop.test(hasKernel)) return;
  for (const device of partitions.filter((each) => each !== root)) {
    if (!(await shop.test(`mount -t ext4 ${device} /target/boot`))) continue;
    if (await shop.test(hasKernel)) return;
    await shop.run("umount /target/boot", `${device} cannot be unmounted`);
  }
}

/** @throws {ImportError} if the boot loader of a disk would start a kernel that nobody can log in to */
export async function checkConsole(shop: Workshop): Promise<void> {
  if (await shop.test("grep -r -q console=ttyS0 /target/boot /target/etc/lilo.conf")) return;
  throw new ImportError(
    "Nothing in the image's /boot starts the kernel with console=ttyS0, so nobody could log in over the " +
      "serial line: add it to the boot loader's configuration, or pack the files of the system with tar and " +
      "import that, which gets a boot loader of ours.",
  );
}

/** Makes a disk that was unpacked from a tarball start its kernels: the first of them by itself. */
export async function installGrub(
  shop: Workshop,
  { kernels }: Pick<FoundSystem, "kernels">,
  commandLine: string,
): Promise<void> {
  await shop.run(
    'grub-mkimage -O i386-pc -o /core.img -p "(hd0,msdos1)/boot/grub" ' +
      "biosdisk part_msdos ext2 normal linux serial terminal && " +
      "dd if=/core.img of=/dev/sda bs=512 seek=1",
    "GRUB cannot be written",
  );
  const lines = [
    "serial --unit=0 --speed=115200",
    "terminal_input serial",
    "terminal_output serial",
    "set timeout=0",
    `set default=linux-${kernels[0]?.release ?? ""}`,
    ...kernels.flatMap(({ release, file, initrd }) => [
      `menuentry "Linux ${release}" --id linux-${release} {`,
      `  linux /boot/${file} root=/dev/sda1 rw ${commandLine}`,
      ...(initrd === null ? [] : [`  initrd /boot/${initrd}`]),
      "}",
    ]),
  ];
  await shop.run(": >/target/boot/grub/grub.cfg", "GRUB cannot be configured");
  for (const line of lines) {
    await shop.run(`echo '${line}' >>/target/boot/grub/grub.cfg`, "GRUB cannot be configured");
  }
  await shop.run(
    "if [ -f /target/etc/fstab ]; then mv /target/etc/fstab /target/etc/fstab.imported; fi; " +
      "echo '/dev/sda1 / ext4 rw,noatime 0 0' >/target/etc/fstab",
    "/etc/fstab cannot be written",
  );
}
