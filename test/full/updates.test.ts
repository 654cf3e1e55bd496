import { describe, expect, test } from "vitest";
import type { Run } from "../../src/reboot/run.js";
import { isStrategy, STRATEGIES } from "../../src/reboot/update.js";
import { runCommand } from "../../src/reboot/vm.js";
import { updateBusybox } from "../support/update-busybox.js";

/** Notes what the user's machine calls itself, and which kernel its boot loader starts, at the end. */
function lookAtEnd() {
  const found = { hostname: "", menu: "" };
  const ask = async (run: Run, command: string) =>
    (await runCommand(run.active(), command, 10_000)).output.trim();
  async function onEnd(run: Run): Promise<void> {
    found.hostname = await ask(run, "hostname");
    found.menu = await ask(run, "grep '^set default' /boot/grub/grub.cfg");
  }
  return { found, observer: { onEnd } };
}

describe("an update that brings no other kernel", () => {
  test.each(Object.keys(STRATEGIES).filter(isStrategy))(
    "is put into effect by %s",
    async (strategy) => {
      const { found, observer } = lookAtEnd();
      const report = await updateBusybox(strategy, observer, {}, { update: "config" });
      expect(report.failure).toBeNull();
      expect(report.committed).toBe(true);
      expect(report.kernelAfter).toBe("6.1.0-47-686");
      expect(found.hostname).toBe("new-guest");
    },
  );
});

describe("all updates at once, applied in the fork while the user works", () => {
  test.each(["shadow", "shadow-transplant"] as const)(
    "are put into effect by %s",
    async (strategy) => {
      let before = "";
      const { found, observer } = lookAtEnd();
      const report = await updateBusybox(
        strategy,
        {
          ...observer,
          async onPhase(phase, { original }) {
            if (phase !== "background-shutdown") return;
            before = (await runCommand(original, "cat /etc/hostname", 10_000)).output.trim();
          },
        },
        {},
        { update: "all", applyIn: "shadow" },
      );
      expect(report.failure).toBeNull();
      expect(report.kernelAfter).toBe("6.1.0-50-686");
      expect(found).toEqual({ hostname: "new-guest", menu: "set default=linux-6.1.0-50-686" });
      // Nothing has happened in the original VM, and the user did not notice a thing.
      expect(before).toBe("guest");
      const applied = report.phases.find(({ name }) => name === "apply-update");
      expect(applied).toMatchObject({ machine: "reboot-dedicated", downtime: false });
    },
  );
});
