/*
 * What system lies on a disk.
 *
 * References: System V ABI, "ELF Header"; The Linux/x86 Boot Protocol, "The Real-Mode Kernel Header"
 * (HdrS, kernel_version, xloadflags); the names that distributions give kernels and their initramfs:
 * vmlinuz-R with initrd.img-R (Debian, Ubuntu), initramfs-R.img (Fedora, CentOS) or initrd-R (openSUSE),
 * and kernel-R or vmlinuz-R with initramfs-R.img (Gentoo).
 */
import { ImportError } from "./import-error.js";
import type { Workshop } from "./import-workshop.js";

/** Init systems that the attendant can be given to. */
export type InitSystem = "busybox" | "finit" | "runit" | "systemd" | "sysvinit" | "unknown";

/** A kernel of the system. */
export interface FoundKernel {
  /** As `uname -r` prints it. */
  readonly release: string;
  /** Names of files in `/boot`. */
  readonly file: string;
  readonly initrd: string | null;
}

/** What was found on the disk that is mounted at `/target`. */
export interface FoundSystem {
  readonly init: InitSystem;
  /** Where `/sbin/init` leads. */
  readonly initPath: string;
  /** From the oldest to the newest. */
  readonly kernels: readonly FoundKernel[];
}

/**
 * Where the workshop lays a program of its own in the system, to see paths as the system does. A busybox
 * must be called `busybox...` to take its first argument for the name of a command.
 */
const TOOL = "/busybox-for-import";

/**
 * Looks at the system below `/target`.
 *
 * @throws {ImportError} if it has no 32-bit x86 kernel, or no init of such a system, or its folders are links
 *   that only it could follow
 */
export async function examineSystem(shop: Workshop): Promise<FoundSystem> {
  await checkFolders(shop);
  await shop.run(`cp /bin/busybox /target${TOOL}`, "the system's disk cannot be written");
  try {
    const initPath = await findInit(shop);
    const kernels = await findKernels(shop);
    return { init: await nameInit(shop, initPath), initPath, kernels };
  } finally {
    await shop.run(`rm /target${TOOL}`, "the system's disk cannot be written");
  }
}

/** Folders that are written to: the workshop follows links in them by its own root, not by the system's. */
const FOLDERS = ["sbin", "etc", "home", "boot"];

/** @throws {ImportError} if one of them is an absolute symbolic link */
async function checkFolders(shop: Workshop): Promise<void> {
  for (const folder of FOLDERS) {
    const link = `readlink /target/${folder}`;
    if (!(await shop.test(`${link} | grep -q ^/`))) continue;
    const target = (await shop.run(link, `/${folder} cannot be read`)).trim();
    throw new ImportError(
      `The system's /${folder} is a symbolic link to ${target}: make it a relative one ` +
        `("ln -sfn ${target.replace(/^\/+/, "")} /${folder}").`,
    );
  }
}

async function findInit(shop: Workshop): Promise<string> {
  for (const path of ["/sbin/init", "/usr/lib/systemd/systemd", "/bin/init", "/init"]) {
    const found = `chroot /target ${TOOL} readlink -f ${path}`;
    if (!(await shop.test(`p=$(${found}) && [ -f "/target$p" ] && [ -x "/target$p" ]`))) continue;
    const real = (await shop.run(found, `${path} cannot be read`)).trim();
    const head = await bytesOf(shop, real, 0, 20);
    checkProgram(head, real);
    return real;
  }
  throw new ImportError(
    "There is no init in the system, neither /sbin/init nor systemd: give the root of a whole system, not " +
      "that of a container.",
  );
}

/** @throws {ImportError} if a program is not for 32-bit x86 */
export function checkProgram(head: Uint8Array, path: string): void {
  const magic = new TextDecoder("latin1").decode(head.subarray(0, 4));
  // An init may be a script, too.
  if (magic.startsWith("#!")) return;
  if (magic !== "\x7fELF") throw new ImportError(`${path} is not a program.`);
  const machine = (head[18] ?? 0) | ((head[19] ?? 0) << 8);
  if (head[4] === 1 && machine === 3) return;
  throw new ImportError(
    `${path} is a program for another processor (ELF machine ${machine}): the emulated PC runs 32-bit x86 ` +
      "(i386, i686) only.",
  );
}

async function nameInit(shop: Workshop, path: string): Promise<InitSystem> {
  const name = path.split("/").at(-1) ?? "";
  if (name.includes("systemd")) return "systemd";
  if (name.startsWith("busybox")) return "busybox";
  if (name.startsWith("runit")) return "runit";
  if (name.startsWith("finit")) return "finit";
  return (await shop.test("[ -f /target/etc/inittab ]")) ? "sysvinit" : "unknown";
}

const KERNEL_FILE = /^(?:vmlinuz|kernel|bzImage|linux)(?:-.+)?$/;

async function findKernels(shop: Workshop): Promise<FoundKernel[]> {
  const listing = (await shop.test("[ -d /target/boot ]"))
    ? await shop.run("ls -1 /target/boot", "/boot cannot be read")
    : "";
  const names = listing.split("\n").filter(Boolean);
  const found = new Map<string, FoundKernel>();
  const faults: string[] = [];
  for (const file of names.filter((name) => KERNEL_FILE.test(name) && !name.includes("rescue"))) {
    const header = await bytesOf(shop, `/boot/${file}`, 0, 0x250);
    const read = parseKernelHeader(header);
    if ("fault" in read) {
      faults.push(`/boot/${file} is ${read.fault}`);
      continue;
    }
    const version = await bytesOf(shop, `/boot/${file}`, read.versionAt, 100);
    const release = /^[^\s\0]+/.exec(new TextDecoder("latin1").decode(version))?.[0];
    if (release === undefined) faults.push(`/boot/${file} does not say its release`);
    else if (!found.has(release) || file.includes(release)) {
      found.set(release, { release, file, initrd: initrdOf(release, names) });
    }
  }
  if (found.size > 0) return [...found.values()].sort(byRelease);
  throw new ImportError(
    faults.length > 0
      ? `There is no kernel in the system that the emulated PC could run: ${faults.join("; ")}.`
      : "There is no kernel in the system's /boot (vmlinuz-..., kernel-... or bzImage-...): install the " +
          "distribution's kernel package for i386 or i686 in it first.",
  );
}

/** Where a kernel's file says its release, or what is wrong with the kernel. */
export function parseKernelHeader(
  header: Uint8Array,
): { readonly versionAt: number } | { readonly fault: string } {
  const view = new DataView(header.buffer, header.byteOffset, header.length);
  if (header.length < 0x250 || view.getUint32(0x202, true) !== 0x53726448) {
    return { fault: "not a bzImage" };
  }
  const protocol = view.getUint16(0x206, true);
  const is64 = protocol >= 0x20c && (view.getUint16(0x236, true) & 1) !== 0;
  if (is64) return { fault: "a 64-bit kernel" };
  return { versionAt: view.getUint16(0x20e, true) + 0x200 };
}

/** The initramfs that belongs to a kernel. */
export function initrdOf(release: string, names: readonly string[]): string | null {
  const usual = [
    `initrd.img-${release}`,
    `initramfs-${release}.img`,
    `initrd-${release}`,
    `initramfs-${release}`,
  ];
  const generated = names.find(
    (name) => name.startsWith("initramfs-") && name.endsWith(`-${release}`),
  );
  return usual.find((name) => names.includes(name)) ?? generated ?? null;
}

function byRelease(one: FoundKernel, other: FoundKernel): number {
  return one.release.localeCompare(other.release, "en", { numeric: true });
}

async function bytesOf(shop: Workshop, path: string, at: number, count: number) {
  // Symbolic links lead where they lead in the system.
  const read = `chroot /target ${TOOL} tail -c +${at + 1} ${path} | head -c ${count}`;
  const hex = await shop.run(
    `${read} | hexdump -v -e '1/1 "%02x"'; echo`,
    `${path} cannot be read`,
  );
  return Uint8Array.from(Buffer.from(hex.trim(), "hex"));
}
