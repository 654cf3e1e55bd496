import { beforeAll, describe, expect, test } from "vitest";
import { DoesNotApply } from "../../src/reboot/errors.js";
import type { GuestProfile } from "../../src/reboot/guest-profile.js";
import type { RunReport } from "../../src/reboot/report.js";
import { runCommand } from "../../src/reboot/vm.js";
import { detailOf, phasesOfDowntime } from "../support/report.js";
import { updateBusybox } from "../support/update-busybox.js";

/** An update that changes what is on the disk, and nothing of what is booted before it is mounted. */
const SETTINGS: Partial<GuestProfile["update"]> = {
  name: "settings",
  apply: ["echo changed >/etc/motd", "sync"],
  check: [{ command: "cat /etc/motd", expect: /^changed$/m }],
  kernelAfter: null,
};

describe("a reboot of busybox from an earlier phase of its boot", () => {
  let report: RunReport;
  let clocks = "";

  beforeAll(async () => {
    const look = async (run: Parameters<typeof runCommand>[0]) =>
      (
        await runCommand(
          run,
          "date +%s; cut -d. -f1 /proc/uptime; dmesg | grep -ciE 'detected stall|lockup'",
          5000,
        )
      ).output;
    report = await updateBusybox(
      "phase-reuse",
      {
        async onEnd(run) {
          clocks = `${run.active().machine.now()} ${await look(run.active())}`;
        },
      },
      SETTINGS,
    );
  });

  test("sees the disk as it is now", () => {
    expect(report.failure).toBeNull();
    expect(report.committed).toBe(true);
    expect(detailOf(report, "home-checked")).toEqual({ lost: "" });
    // A shell that has been there since the boot read the file when it started.
    const console = report.consoles.filter(({ line }) => line === 0);
    const text = console.map(({ bytes }) => new TextDecoder().decode(bytes)).join("");
    expect(text).toMatch(/guest login: [^]*\nchanged\r?\n/);
  });

  test("goes through neither firmware nor kernel", () => {
    const names = phasesOfDowntime(report).map(({ name }) => name);
    expect(names.slice(0, 3)).toEqual(["shutdown", "restore-phase", "userland"]);
    expect(report.downtime.virtualMs).toBeLessThan(5000);
  });

  test("the guest's clocks go on: what is left out of the boot has passed for them, too", () => {
    const [machineMs = NaN, date = NaN, uptime = NaN, stalls] = clocks.split(/\s+/).map(Number);
    const since2026 = date - Date.UTC(2026, 0, 1) / 1000;
    expect(Math.abs(since2026 - machineMs / 1000)).toBeLessThan(2);
    expect(uptime).toBeLessThanOrEqual(machineMs / 1000 + 1);
    expect(stalls).toBe(0);
  });
});

describe("it does not apply", () => {
  test("to an update that brings another kernel", async () => {
    const update = updateBusybox("phase-reuse");
    await expect(update).rejects.toThrow(DoesNotApply);
    await expect(update).rejects.toThrow(/the next boot starts ".*6\.1\.0-50-686/);
  });

  test("to one that changes the initial RAM disk", async () => {
    const apply = [
      "cp /boot/initrd.img-6.1.0-47-686 /tmp/i",
      "cat /tmp/i >/boot/initrd.img-6.1.0-47-686",
    ];
    const update = updateBusybox("phase-reuse", {}, { ...SETTINGS, apply });
    await expect(update).rejects.toThrow(/initrd\.img-6\.1\.0-47-686 has changed since/);
  });

  test("to a guest whose boot does not say when it looks at its disks", async () => {
    const update = updateBusybox("phase-reuse", {}, SETTINGS, {
      bootPhases: (phases) => phases.filter(({ name }) => name !== "kernel"),
    });
    await expect(update).rejects.toThrow(/no boot phase of busybox is known to end before/);
  });
});
