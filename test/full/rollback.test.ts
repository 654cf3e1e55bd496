import { expect, test } from "vitest";
import type { GuestProfile } from "../../src/reboot/guest-profile.js";
import type { StrategyName } from "../../src/reboot/update.js";
import { runCommand } from "../../src/reboot/vm.js";
import { updateBusybox } from "../support/update-busybox.js";
import { lookAt, startCounting, type Witness } from "../support/witness.js";

const SWITCH_KERNEL = "sed -i '/^set default=/s/47/50/' /boot/grub/grub.cfg";

/** An update that cannot work. */
interface Broken {
  readonly apply: readonly string[];
  readonly strategy?: StrategyName;
  /** What the user does to a file of the system while the fork reboots. */
  readonly meanwhile?: { readonly path: string; readonly command: string };
  readonly phase: string;
  readonly reason: RegExp;
}

const BROKEN: Readonly<Record<string, Broken>> = {
  "a kernel that panics": {
    apply: [`${SWITCH_KERNEL} && : >/boot/initrd.img-6.1.0-50-686`],
    phase: "background-kernel",
    reason: /the kernel panicked: "Kernel panic - not syncing: VFS: Unable to mount root fs/,
  },
  "a boot that hangs": {
    apply: [`${SWITCH_KERNEL} && sed -i '2i sleep 100000' /etc/init.d/rcS`],
    phase: "background-userland",
    reason: /waited 20000 ms of virtual time for the end of the boot phase "userland"/,
  },
  "GRUB without an entry": {
    apply: ["sed -i '/^menuentry/,$d' /boot/grub/grub.cfg"],
    phase: "background-firmware",
    reason: /the boot loader waits for commands: "grub>"/,
  },
  "GRUB without its menu": {
    apply: ["rm /boot/grub/grub.cfg"],
    phase: "background-firmware",
    reason: /the boot loader waits for commands: "grub>"/,
  },
  "an entry without its kernel": {
    apply: [`${SWITCH_KERNEL} && rm /boot/vmlinuz-6.1.0-50-686`],
    phase: "background-kernel",
    reason:
      /the boot loader cannot start the entry: "error: file .*vmlinuz-6.1.0-50-686' not found/,
  },
  "a full disk": {
    apply: [SWITCH_KERNEL, "dd if=/dev/zero of=/new bs=1M"],
    phase: "apply-update",
    reason: /"dd .*" ended with status 1, and printed: .*No space left on device/,
  },
  "a service that fails": {
    apply: [`${SWITCH_KERNEL} && sed -i '/^klogd$/d' /etc/init.d/rcS`],
    phase: "health-check",
    reason:
      /the health check "klogd" failed: "pidof klogd" was to print .* within 10000 ms, but it printed ""/,
  },
  "a file conflict": {
    apply: [SWITCH_KERNEL, "echo '# the update' >>/etc/fstab && sync"],
    meanwhile: { path: "/etc/fstab", command: "echo '# mine' >>/etc/fstab" },
    phase: "carry-files",
    reason: /\/etc\/fstab/,
  },
  "a restore that fails": {
    apply: [
      SWITCH_KERNEL,
      "cd /bin && cp busybox another && echo >>another && mv another busybox && sync",
    ],
    strategy: "shadow-transplant",
    phase: "pre-copy",
    reason: /\/bin\/busybox/,
  },
  "a /home that cannot be mounted, while the programs stand still": {
    apply: [`${SWITCH_KERNEL} && umount -l /home && rmdir /home && sync`],
    strategy: "shadow-transplant",
    phase: "capture-programs",
    reason: /mount.*ENOENT/,
  },
};

test.each(Object.entries(BROKEN))(
  "%s leaves the original VM and every file of it as they were",
  async (_, { apply, strategy = "shadow", meanwhile, phase, reason }) => {
    const seen: Witness[] = [];
    const report = await updateBusybox(
      strategy,
      {
        async onPhase(name, run) {
          if (name === "vm-fork") {
            await startCounting(run);
            seen.push(await lookAt(run));
          }
          if (name === "background-kernel" && meanwhile !== undefined) {
            await runCommand(run.original, meanwhile.command, 10_000);
          }
        },
        async onEnd(run) {
          seen.push(await lookAt(run));
        },
      },
      { apply },
      { applyIn: "shadow", bootPhases: hurried },
    );
    expect(report.failure).toMatchObject({ rolledBack: true, silent: false });
    expect(report.failure?.phase).toBe(phase);
    expect(report.failure?.message).toMatch(reason);
    expect(report.committed).toBe(false);
    expect(report.kernelAfter).toBe("6.1.0-47-686");

    const [before, after] = seen;
    if (before === undefined || after === undefined) throw new Error("nobody looked");
    const usersOwn = [
      "/home|",
      "/home/count|",
      "/home/during-background-reboot.note|",
      "/root|",
      "/root/during-background-reboot.note|",
    ];
    if (meanwhile !== undefined) usersOwn.push(`${meanwhile.path}|`);
    const isOwn = (line: string) => usersOwn.some((own) => line.startsWith(own));
    expect(after.files.filter((line) => !isOwn(line))).toEqual(
      before.files.filter((line) => !isOwn(line)),
    );
    expect(after.files.filter(isOwn)).toHaveLength(usersOwn.length);
    expect(before.files.length).toBeGreaterThan(100);

    expect(after.pid).toBe(before.pid);
    expect(after.count).toBeGreaterThan(before.count + 10);
    expect(report.events.find(({ kind }) => kind === "session-checked")?.detail).toMatchObject({
      kept: true,
    });
  },
);

test("a plain reboot into a kernel that panics has no way back, and says so", async () => {
  const apply = [`${SWITCH_KERNEL} && : >/boot/initrd.img-6.1.0-50-686 && sync`];
  const report = await updateBusybox("reboot", {}, { apply });
  expect(report.committed).toBe(false);
  expect(report.failure).toMatchObject({ rolledBack: false, silent: true });
  expect(report.failure?.message).toMatch(
    /kernel panicked.*no way back.*does not answer any more/s,
  );
  expect(report.kernelAfter).toBe("unknown");
});

/** The phases with a limit that a hanging boot reaches soon. */
function hurried(phases: GuestProfile["bootPhases"]): GuestProfile["bootPhases"] {
  return phases.map((phase) => ({ ...phase, withinMs: 20_000 }));
}

test("an update that does not end is given up, and the user has the shell again", async () => {
  const report = await updateBusybox("shadow", {}, { apply: ["sleep 999"] });
  expect(report.failure).toMatchObject({ phase: "apply-update", rolledBack: true });
  expect(report.failure?.message).toContain('the command "sleep 999"');
  expect(report.programs.every(({ survived }) => survived)).toBe(true);
});

test("when the original's stub dies while the files are handed over: its disks can be written to", async () => {
  let written = "";
  const report = await updateBusybox("shadow", {
    async onPhase(name, { original }) {
      if (name === "carry-files") await runCommand(original, "killall -9 stub", 10_000);
    },
    async onEnd({ original }) {
      const command =
        "echo home >/home/after && echo root >/root/after && cat /home/after /root/after";
      written = (await runCommand(original, command, 10_000)).output;
    },
  });
  expect(report.failure).toMatchObject({ phase: "carry-files", rolledBack: true });
  expect(written).toBe("home\nroot\n");
});

test("when the original's stub dies while the programs stand still, it is not said that all is as it was", async () => {
  // A program of no session that moves, which ends the stub as soon as it has stopped the user's shell.
  const killer =
    "(trap '' HUP; setsid sh -c 'until read -r s </proc/'$$'/stat && " +
    'case "$s" in *") t "*) true;; *) false;; esac; do :; done; ' +
    "kill -9 '$(pidof stub) >/dev/null 2>&1 </dev/null &)";
  let written = "";
  const report = await updateBusybox("shadow-transplant", {
    async onPhase(name, { original }) {
      if (name === "freeze-programs") await runCommand(original, killer, 10_000);
    },
    async onEnd({ original }) {
      written = (await runCommand(original, "echo home >/home/after && cat /home/after", 10_000))
        .output;
    },
  });
  expect(report.committed).toBe(false);
  expect(report.failure).toMatchObject({ rolledBack: false, silent: false });
  expect(report.failure?.message).toMatch(/could not be put back as it was.*signals blocked/s);
  expect(report.events.map(({ kind }) => kind)).toContain("not-rolled-back");
  expect(report.kernelAfter).toBe("6.1.0-47-686");
  expect(written).toBe("home\n");
});
