import { gzipSync } from "fflate";
import { cpioArchive } from "../../src/images/cpio.js";
import { mergeTrees, program } from "../../src/images/file-tree.js";
import { bootTools } from "../../src/images/guest-root.js";
import type { Ingredients } from "../../src/images/ingredients.js";
import { ingredient, packagesOf, unpackIngredients } from "../../src/images/ingredients.js";
import { pinOf, readPins } from "../../src/images/packages.js";
import { readRecipe, type Recipe } from "../../src/images/recipe.js";
import { cachedDeb } from "../../src/images/supply.js";
import { openCache } from "../../src/node/cache.js";
import { tarball, type TarEntry } from "./tarball.js";

/** What systems of strangers are made of here: packages that the guest `busybox` is made of, too. */
export interface Parts {
  readonly recipe: Recipe;
  readonly ingredients: Ingredients;
}

/** Unpacks them; the guest `busybox` must be in the cache. */
export async function foreignParts(): Promise<Parts> {
  const recipe = await readRecipe("busybox");
  const [cache, pins] = [await openCache(), await readPins()];
  const debs = new Map<string, Uint8Array>();
  for (const name of packagesOf(recipe)) {
    debs.set(name, (await cachedDeb(pinOf(pins, name), cache)) ?? new Uint8Array());
  }
  return {
    recipe,
    ingredients: await unpackIngredients(recipe, debs, { progress: () => undefined }),
  };
}

/** An initramfs that mounts the root which the command line names; it has no other way to know it. */
const INITRAMFS_INIT = `#!/bin/busybox sh
/bin/busybox mount -t proc proc /proc
mount -t devtmpfs devtmpfs /dev
while read -r module; do insmod "/modules/$module.ko"; done </modules/order
for word in $(cat /proc/cmdline); do
  case $word in root=*) device=\${word#root=} ;; esac
done
until [ -b "$device" ]; do usleep 10000; done
mount -t ext4 -o rw "$device" /root
mount -o move /dev /root/dev
umount /proc
exec /bin/busybox switch_root /root /sbin/init
`;

const APPLETS =
  "sh mount umount cat echo ls login stty killall reboot sync hostname uname fsfreeze blockdev sleep " +
  "mkdir sed getty init rm touch id stat";

const TEXTS: Readonly<Record<string, string>> = {
  "etc/inittab":
    "::sysinit:/etc/rc\n::ctrlaltdel:/sbin/reboot\n::shutdown:/bin/umount -a -r\ntty1::respawn:/sbin/getty 38400 tty1\n",
  "etc/passwd": "root:x:0:0:root:/:/bin/sh\n",
  "etc/group": "root:x:0:\ntty:x:5:\n",
  "etc/shadow": "root:!:20000:0:99999:7:::\n",
  "etc/fstab": "UUID=0e7c0f6e-9d0e-4a43-bd7f-6d7d2c2b8d11 / ext3 defaults 0 1\n",
  "etc/selinux/config": "SELINUX=enforcing\nSELINUXTYPE=targeted\n",
  "etc/profile": "PS1='[\\u@\\h]# '\n",
};

const RC = `#!/bin/sh
mount -t proc proc /proc
mount -t sysfs sysfs /sys
hostname stranger
`;

/** A name that an archive cannot have without an extension of the format. */
export const LONG_NAME = `srv/${"a-long-name/".repeat(22)}file`;

/** The root of a system with two kernels as a tar archive, with owners, a hard link and odd modes. */
export function foreignTarball(
  { recipe, ingredients }: Parts,
  more: Readonly<Record<string, string>> = {},
): Promise<Uint8Array> {
  const entries: TarEntry[] = [];
  for (const folder of "bin sbin dev proc sys run tmp etc boot boot/grub srv home var".split(" ")) {
    entries.push({ name: `${folder}/`, type: "directory", mode: 0o755 });
  }
  const busybox = content(ingredients, "busybox-static", "bin/busybox");
  entries.push({ name: "bin/busybox", mode: 0o755, content: busybox });
  for (const applet of APPLETS.split(" ")) {
    entries.push({ name: `bin/${applet}`, type: "symlink", linkname: "busybox" });
    entries.push({ name: `sbin/${applet}`, type: "symlink", linkname: "/bin/busybox" });
  }
  for (const [name, text] of Object.entries({ ...TEXTS, ...more })) {
    entries.push({ name, content: text });
  }
  entries.push(
    { name: "etc/rc", mode: 0o755, content: RC },
    { name: "srv/owned", uid: 1234, gid: 100, mode: 0o4711, content: "x" },
    { name: "srv/linked", type: "link", linkname: "srv/owned" },
    { name: LONG_NAME, content: "found\n" },
  );
  for (const kernel of recipe.kernels) {
    const initramfs = mergeTrees(
      bootTools(recipe, ingredients, kernel.package),
      new Map([["init", program(INITRAMFS_INIT)]]),
    );
    entries.push(
      {
        name: `boot/vmlinuz-${kernel.release}`,
        content: content(ingredients, kernel.package, `boot/vmlinuz-${kernel.release}`),
      },
      {
        name: `boot/initramfs-${kernel.release}.img`,
        content: Buffer.from(gzipSync(cpioArchive(initramfs))),
      },
    );
  }
  return tarball(entries);
}

function content(ingredients: Ingredients, name: string, path: string): Buffer {
  return Buffer.from(ingredient(ingredients, name, path));
}
