import { beforeAll, describe, expect, test } from "vitest";
import { guestProfile } from "../../src/experiment/prepared-guest.js";
import { DEFAULT_HOST } from "../../src/host/config.js";
import { type FileWishes, NO_FILE_WISHES } from "../../src/reboot/carry-over.js";
import type { RunReport } from "../../src/reboot/report.js";
import { runUpdate } from "../../src/reboot/update.js";
import { logIn, logOut, runCommand } from "../../src/reboot/vm.js";
import { busybox } from "../support/busybox.js";

const COMMAND_MS = 10_000;

/** A shadow reboot in which both systems write to /etc/motd; what stands there in the end comes with the report. */
async function updateInConflict(
  wishes: Partial<FileWishes>,
): Promise<{ readonly report: RunReport; readonly motd: string }> {
  const prepared = await busybox();
  const guest = guestProfile(prepared, "kernel");
  let motd = "";
  const report = await runUpdate({
    strategy: "shadow",
    guest,
    bootSnapshot: prepared.bootSnapshot,
    host: DEFAULT_HOST,
    startMachine: (name) => prepared.startMachine(name),
    wallNow: () => performance.now(),
    fileWishes: { ...NO_FILE_WISHES, ...wishes },
    observer: {
      async onPhase(name, run) {
        const fork = run.dedicated();
        if (name !== "prepare-files" || fork === null) return;
        await runCommand(run.original, "echo ours >/etc/motd", COMMAND_MS);
        await logIn(fork, guest);
        await runCommand(fork, "echo theirs >/etc/motd", COMMAND_MS);
        await logOut(fork, guest);
      },
      async onEnd(run) {
        motd = (await runCommand(run.active(), "cat /etc/motd /root/*.note", COMMAND_MS)).output;
      },
    },
  });
  return { report, motd };
}

describe("a file that both systems have changed", () => {
  let outcome: Awaited<ReturnType<typeof updateInConflict>>;

  beforeAll(async () => {
    outcome = await updateInConflict({});
  });

  test("stops the update, and is named with the way out", () => {
    const { committed, failure, kernelAfter } = outcome.report;
    expect(committed).toBe(false);
    expect(failure?.phase).toBe("carry-files");
    expect(failure?.message).toContain("/etc/motd");
    expect(failure?.message).toContain("--ours PATH");
    expect(kernelAfter).toBe("6.1.0-47-686");
  });

  test("is in the original VM as it was, with all others", () => {
    expect(outcome.motd).toBe("ours\nbefore-update\nduring-background-reboot\n");
  });
});

test("settled by --ours, it is the original's after the update", async () => {
  const { report, motd } = await updateInConflict({ ours: ["/etc/motd"] });
  expect(report.committed).toBe(true);
  expect(motd).toBe("ours\nbefore-update\nduring-background-reboot\n");
  expect(report.files).toContainEqual(
    expect.objectContaining({ path: "/etc/motd", action: "carry", why: "settled by --ours" }),
  );
});

test("settled by --theirs, it is the rebooted system's, and the rest is carried", async () => {
  const { report, motd } = await updateInConflict({ theirs: ["/etc/motd"] });
  expect(report.committed).toBe(true);
  expect(motd).toBe("theirs\nbefore-update\nduring-background-reboot\n");
});

test("with --plan nothing is committed, and the plan is known", async () => {
  const { report } = await updateInConflict({ onlyPlan: true });
  expect(report).toMatchObject({ committed: false, failure: null, kernelAfter: "6.1.0-47-686" });
  const actions = new Map(report.files?.map(({ path, action }) => [path, action]));
  expect(actions.get("/etc/motd")).toBe("conflict");
  expect(actions.get("/root/during-background-reboot.note")).toBe("carry");
});
