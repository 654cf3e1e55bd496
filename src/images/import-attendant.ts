/*
 * The attendant in a system that was imported: files of ours, and what makes its init start them.
 *
 * References: systemd.service(5); inittab(5) of sysvinit, and the comments of busybox's init.c for its own
 * format; runsv(8); finit.conf(5); fstab(5); shadow(5).
 */
import { stubProgram } from "../guest/stub.js";
import { type FileTree, plainFile, program } from "./file-tree.js";
import { script } from "./guest-root.js";
import { ImportError } from "./import-error.js";
import type { InitSystem } from "./import-system.js";
import { importText, type Workshop } from "./import-workshop.js";

const SYSTEMD_UNIT = `[Unit]
Description=Attendant of the virtual machine monitor
After=local-fs.target

[Service]
ExecStart=/sbin/attendant-line
Restart=always
# Programs that moved here are its children, and none of its business.
KillMode=process

[Install]
WantedBy=multi-user.target
`;

const HOME_LINE = "/dev/sdb /home ext4 rw,noatime,noauto 0 0";

/**
 * The files that {@link installAttendant} wants in the workshop's `/import`.
 *
 * @param texts of a guest of ours that has an attendant
 */
export async function attendantFiles(texts: FileTree): Promise<FileTree> {
  return new Map([
    ["attendant", script(texts, "rootfs/sbin/attendant")],
    ["console", script(texts, "rootfs/sbin/console")],
    ["attendant-line", program(await importText("attendant-line"))],
    ["attendant.service", plainFile(SYSTEMD_UNIT)],
    ["stub", program(stubProgram())],
  ]);
}

/**
 * Puts attendant and stub into the system below `/target`, has its init start them, gives it `/home` on the
 * second disk and a login without a password on the first serial line.
 *
 * @returns what was done, a line each for a person
 */
export async function installAttendant(
  shop: Workshop,
  init: InitSystem,
  user: string,
): Promise<string[]> {
  const cannot = "the attendant cannot be installed";
  await shop.run(
    "cp /import/attendant /import/attendant-line /import/console /import/stub /target/sbin/ && " +
      "mkdir -p /target/home /target/root",
    cannot,
  );
  return [
    "/sbin/attendant, /sbin/attendant-line, /sbin/console and /sbin/stub: the VMM's hands in the guest",
    await startAttendant(shop, init),
    await addLogin(shop, init),
    await openAccount(shop, user),
    await permitAll(shop),
    await addHome(shop),
  ].filter((line) => line !== "");
}

/** Files that were unpacked or are new have no labels, and an enforcing SELinux would let nobody log in. */
async function permitAll(shop: Workshop): Promise<string> {
  const config = "/target/etc/selinux/config";
  if (!(await shop.test(`grep -q '^SELINUX=enforcing' ${config}`))) return "";
  await shop.run(
    `sed -i 's/^SELINUX=enforcing/SELINUX=permissive/' ${config}`,
    "SELinux cannot be made permissive",
  );
  return "SELinux is permissive, in this copy: files that are new or were unpacked have no labels";
}

async function startAttendant(shop: Workshop, init: InitSystem): Promise<string> {
  const cannot = `the attendant cannot be made a service of ${init}`;
  switch (init) {
    case "systemd":
      await shop.run(
        "d=/target/etc/systemd/system && mkdir -p $d/multi-user.target.wants && " +
          "cp /import/attendant.service $d/ && " +
          "ln -sf ../attendant.service $d/multi-user.target.wants/attendant.service",
        cannot,
      );
      return "/etc/systemd/system/attendant.service starts it";
    case "busybox":
      await addLine(shop, "/etc/inittab", "ttyS1::respawn:/sbin/attendant-line");
      return "a line in /etc/inittab starts it";
    case "sysvinit":
      await addLine(shop, "/etc/inittab", "SRA:12345:respawn:/sbin/attendant-line");
      return "a line in /etc/inittab starts it";
    case "runit":
      await shop.run(
        "mkdir -p /target/etc/sv/attendant && " +
          "ln -sf /sbin/attendant-line /target/etc/sv/attendant/run && " +
          "for d in /target/etc/service /target/etc/runit/runsvdir/default; do " +
          'if [ -d "$d" ]; then ln -sf /etc/sv/attendant "$d/attendant"; fi; done',
        cannot,
      );
      return "the service /etc/sv/attendant starts it";
    case "finit":
      await addLine(
        shop,
        "/etc/finit.d/attendant.conf",
        "service [2345] /sbin/attendant-line -- Attendant of the virtual machine monitor",
      );
      return "/etc/finit.d/attendant.conf starts it";
    case "unknown":
      return (
        "Its init is not known, so nothing starts the attendant: no strategy will work until the system " +
        "runs /sbin/attendant-line at each boot"
      );
  }
}

/** The kernel's console gets a login from systemd by itself; the others are told. */
async function addLogin(shop: Workshop, init: InitSystem): Promise<string> {
  if (init !== "busybox" && init !== "sysvinit") return "";
  if (await shop.test("grep -q '^[^#]*ttyS0' /target/etc/inittab")) return "";
  // A console of ours makes way for a session that moves there; it knows a getty of this name only.
  const getty = await shop.test("[ -e /target/sbin/getty ] || [ -L /target/sbin/getty ]");
  const command = getty ? "/sbin/console" : "/sbin/agetty -L 115200 ttyS0 vt100";
  const start = init === "busybox" ? "ttyS0::respawn:" : "SRC:12345:respawn:";
  await addLine(shop, "/etc/inittab", `${start}${command}`);
  return "a line in /etc/inittab gives a login on the first serial line";
}

/** @throws {ImportError} if there is no such user */
async function openAccount(shop: Workshop, user: string): Promise<string> {
  if (!/^[a-z_][a-z0-9_-]*$/.test(user)) throw new ImportError(`"${user}" is no name of a user.`);
  if (!(await shop.test(`grep -q '^${user}:' /target/etc/passwd`))) {
    throw new ImportError(
      `There is no user ${user} in the system's /etc/passwd: name another one.`,
    );
  }
  const shadow = "/target/etc/shadow";
  if (await shop.test(`grep -q '^${user}::' ${shadow} || [ ! -f ${shadow} ]`)) return "";
  await shop.run(
    `sed -i 's/^${user}:[^:]*:/${user}::/' ${shadow}`,
    `the password of ${user} cannot be taken away`,
  );
  return `the password of ${user} is taken away, in this copy`;
}

async function addHome(shop: Workshop): Promise<string> {
  const table = "/target/etc/fstab";
  await shop.run(
    `touch ${table} && sed -i 's|^\\([^#][^ \\t]*[ \\t][ \\t]*/home[ \\t]\\)|#\\1|' ${table}`,
    "/etc/fstab cannot be written",
  );
  await addLine(shop, "/etc/fstab", HOME_LINE);
  return "/home is on a disk of its own, empty at first; what was in it lies below";
}

function addLine(shop: Workshop, file: string, line: string): Promise<string> {
  return shop.run(`echo '${line}' >>/target${file}`, `${file} cannot be written`);
}
