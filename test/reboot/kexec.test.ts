import { beforeAll, describe, expect, test } from "vitest";
import type { RunReport } from "../../src/reboot/report.js";
import { detailOf, expectNewKernel, phasesOfDowntime } from "../support/report.js";
import { updateBusybox } from "../support/update-busybox.js";

describe("a reboot of busybox without firmware", () => {
  let report: RunReport;

  beforeAll(async () => {
    report = await updateBusybox("kexec");
  });

  test("puts the updated kernel into effect", () => {
    expectNewKernel(report);
    expect(detailOf(report, "kernel-loaded")).toEqual({ file: "/boot/vmlinuz-6.1.0-50-686" });
  });

  test("never resets the machine, and prints nothing of a boot loader", () => {
    expect(report.events.map(({ kind }) => kind)).not.toContain("reset");
    const console = report.consoles.filter(({ line }) => line === 0);
    const text = console.map(({ bytes }) => new TextDecoder().decode(bytes)).join("");
    expect(text).not.toContain("Booting");
    expect(text).toContain("INITRAMFS");
  });

  test("keeps /home", () => {
    expect(detailOf(report, "home-checked")).toEqual({ lost: "" });
  });

  test("loads the kernel while the user works, and has no phase of firmware", () => {
    expect(report.phases.find(({ name }) => name === "load-kernel")?.downtime).toBe(false);
    const names = phasesOfDowntime(report).map(({ name }) => name);
    expect(names.slice(0, 3)).toEqual(["shutdown", "kernel", "userland"]);
  });
});

test("an update whose kernel is not there stops before anything is ended", async () => {
  const report = await updateBusybox(
    "kexec",
    {},
    { apply: ["sed -i 's/vmlinuz-/vmlinux-/' /boot/grub/grub.cfg"] },
  );
  expect(report.committed).toBe(false);
  expect(report.failure?.message).toMatch(/"load-kernel".*vmlinux-.*ENOENT/);
  expect(report.failure?.message).toMatch(/The original VM goes on/);
  expect(detailOf(report, "session-checked")?.survived).toMatch(/\bshell\b/);
});
