import { describe, expect, test } from "vitest";
import { expectRollbackWhenKilledIn } from "../support/killed-fork.js";
import { updateBusybox } from "../support/update-busybox.js";

describe("an update that fails is rolled back", () => {
  // All other phases are in test/full: each takes a boot to get there.
  test("when the reboot-dedicated VM dies in its shutdown", async () => {
    await expectRollbackWhenKilledIn("background-shutdown");
  });

  test("when it dies after /home was frozen", async () => {
    const report = await expectRollbackWhenKilledIn("attach-home");
    const last = report.events.map(({ kind }) => kind).slice(-4);
    expect(last).toEqual(["rolled-back", "home-checked", "files-checked", "session-checked"]);
  });

  test("when the fork comes up with the old kernel", async () => {
    const report = await updateBusybox("shadow", {}, { apply: ["true"] });
    expect(report.committed).toBe(false);
    expect(report.failure?.phase).toBe("health-check");
    expect(report.failure?.message).toContain(
      "runs 6.1.0-47-686, not 6.1.0-50-686: the update is not in effect",
    );
    expect(report.kernelAfter).toBe("6.1.0-47-686");
    expect(report.events.some(({ kind }) => kind === "commit")).toBe(false);
  });

  test("when the update cannot be applied: there is not even a fork", async () => {
    const report = await updateBusybox("shadow", {}, { apply: ["echo no space; false"] });
    expect(report.failure).toMatchObject({ phase: "apply-update" });
    expect(report.failure?.message).toContain("no space");
    expect(report.phases.some(({ name }) => name === "vm-fork")).toBe(false);
  });

  test.each([
    [
      "fails",
      "echo no work; false",
      /"echo no work; false" ended with status 1, and printed: no work/,
      true,
    ],
    ["does not end", "sleep 99", /"sleep 99" did not end within .* End it with "&"/, true],
    ["cannot be interrupted", "trap '' INT; sleep 99", /sleep 99" did not end within/, false],
  ])("when what the user types before %s: nothing is touched", async (_, userWork, says, shell) => {
    const report = await updateBusybox("shadow", {}, {}, { userWork });
    expect(report.failure?.message).toMatch(says);
    expect(report.failure?.rolledBack).toBe(true);
    expect(report.phases).toEqual([]);
    expect(report.hasShell).toBe(shell);
    expect(report.events.some(({ kind }) => kind === "no-shell")).toBe(!shell);
  });

  test("when the host leaves the reboot-dedicated VM no time, which is named as the reason", async () => {
    const host = { policy: "idletime", preemptionIntervalMs: 15 } as const;
    const report = await updateBusybox("shadow", {}, {}, { host });
    expect(report.failure?.rolledBack).toBe(true);
    expect(report.failure?.message).toMatch(
      /had got \d ms of processor time by the policy idletime, .* a shorter preemption interval/,
    );
    expect(report.background).toBeNull();
  });
});

test("a guest that is silent after the commit is not called rolled back", async () => {
  const report = await updateBusybox("shadow", {
    onPhase(phase, { host, original }) {
      if (phase === "first-answer") host.hold(original.machine);
    },
  });
  expect(report.committed).toBe(true);
  expect(report.failure).toMatchObject({ phase: "first-answer", rolledBack: false, silent: true });
  expect(report.failure?.message).toContain("The update was committed, but then this failed");
  expect(report.kernelAfter).toBe("unknown");
  expect(report.events.some(({ kind }) => kind === "rolled-back")).toBe(false);
});
