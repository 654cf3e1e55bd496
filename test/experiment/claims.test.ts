import { describe, expect, test } from "vitest";
import { virtualMs } from "../../src/clock/virtual-time.js";
import { checkClaims, claimsMarkdown } from "../../src/experiment/claims.js";
import type { FinishedRun } from "../../src/experiment/finished-run.js";
import { finishedRun } from "./finished-runs.js";

const SAME = { guest: "busybox", strategy: "shadow-transplant", digest: "a", repeated: "a" };

function runs(guest = "busybox"): FinishedRun[] {
  return [
    finishedRun(guest, "reboot"),
    finishedRun(guest, "shadow"),
    finishedRun(guest, "shadow-transplant"),
  ];
}

/** Claims that do not hold, by their first words. */
function failing(of: readonly FinishedRun[], repetition = SAME): string[] {
  return checkClaims(of, [repetition])
    .filter(({ verdict }) => verdict === "NO")
    .map(({ measured }) => measured);
}

describe("claims", () => {
  test("hold for runs that are as they should be", () => {
    const settings = [...runs(), ...runs("systemd")].map((run) => ({ ...run, update: "config" }));
    const all = [...runs(), ...runs("systemd"), ...settings];
    const verdicts = checkClaims(all, [SAME]).map(({ verdict }) => verdict);
    expect(new Set(verdicts)).toEqual(new Set(["yes"]));
  });

  test("neither hold nor fail where nothing was run that could tell", () => {
    expect(new Set(checkClaims([], []).map(({ verdict }) => verdict))).toEqual(
      new Set(["not run"]),
    );
    const reboots = checkClaims(runs().slice(0, 1), []);
    expect(reboots.map(({ verdict }) => verdict)).toEqual([
      "yes",
      "not run",
      "not run",
      "not run",
      "not run",
      "not run",
      "yes",
      "yes",
      "not run",
      "not run",
    ]);
    const [saving] = checkClaims(runs().slice(1, 2), []).slice(1);
    expect(saving?.verdict).toBe("not run");
  });

  test("name the guest in which a strategy saves too little", () => {
    const slow = finishedRun("runit", "shadow");
    if (slow.found === null) throw new Error("it was run");
    const downtime = { ...slow.found.summary.downtime, virtualMs: virtualMs(400) };
    const summary = { ...slow.found.summary, downtime };
    const [reboot] = runs("runit");
    if (reboot === undefined) throw new Error("there is a reboot");
    const measured = failing([...runs(), reboot, { ...slow, found: { ...slow.found, summary } }]);
    expect(measured.some((text) => /^95\.\d+ % \(runit\) to/.test(text))).toBe(true);
  });

  test("name runs that were rolled back, and leave out those that do not apply", () => {
    const back = finishedRun("finit", "shadow", { outcome: "rolled back", reason: "a panic" });
    expect(failing([...runs(), back])).toContain("3 of 4; not: finit by shadow");
    const none = finishedRun("finit", "shadow", { outcome: "does not apply", found: null });
    expect(failing([...runs(), none])).toEqual([]);
  });

  test("see a lost file, a shell that is gone, and a digest that differs", () => {
    const [reboot, shadow] = runs();
    if (reboot === undefined || shadow === undefined) throw new Error("there are runs");
    const lossy = finishedRun(
      "busybox",
      "shadow-transplant",
      {},
      { lostFiles: ["a"], survived: false },
    );
    expect(failing([reboot, shadow, lossy], { ...SAME, repeated: "b" })).toEqual([
      "0 of 1; not: busybox by shadow-transplant",
      "2 of 3 runs without a loss; not: busybox by shadow-transplant",
      "the same in 0 of 1; not: busybox by shadow-transplant",
    ]);
  });

  test("see phases that do not add up to the silence of the probe", () => {
    const short = finishedRun("busybox", "shadow", {}, { silenceMs: 1 });
    const measured = failing([...runs().slice(0, 1), short]);
    expect(measured.some((text) => text.endsWith("apart; not: busybox by shadow"))).toBe(true);
  });

  test("name a program that did not live on", () => {
    const run = finishedRun("busybox", "shadow-transplant");
    if (run.found === null) throw new Error("it was run");
    const summary = { ...run.found.summary, programs: [{ name: "vim", survived: false }] };
    expect(failing([...runs().slice(0, 2), { ...run, found: { ...run.found, summary } }])).toEqual([
      "0 of 1; not: vim in busybox by shadow-transplant",
    ]);
  });

  test("count nothing as good that nobody has looked at", () => {
    const [reboot, shadow] = runs();
    if (reboot === undefined || shadow === undefined) throw new Error("there are runs");
    const silent = finishedRun(
      "busybox",
      "shadow-transplant",
      { outcome: "failed", reason: "it does not answer" },
      { lostFiles: null },
    );
    expect(failing([reboot, shadow, silent])).toEqual([
      "2 of 3; not: busybox by shadow-transplant",
      "nothing; not: busybox by shadow-transplant",
      "0 of 1; not: busybox by shadow-transplant",
      "0 of 0; not: busybox by shadow-transplant",
      "2 of 3 runs without a loss; not: busybox by shadow-transplant",
    ]);
  });

  test("see a program whose clock tells of a longer standstill than the probe's", () => {
    const run = finishedRun("busybox", "shadow-transplant");
    if (run.found === null) throw new Error("it was run");
    const heartbeat = { beats: 20_000, gapMs: virtualMs(80) };
    const summary = { ...run.found.summary, heartbeat };
    const late = { ...run, found: { ...run.found, summary } };
    expect(failing([...runs().slice(0, 2), late])).toEqual([
      expect.stringMatching(/^at most \d+\.\d ms apart in 1 runs; not: busybox by shadow-/),
    ]);
  });

  test("say nothing of a shell in which nobody could look", () => {
    const run = finishedRun("busybox", "shadow-transplant", {}, { survived: null });
    const claim = checkClaims([run], []).find(({ claim }) => claim.startsWith("The user's shell"));
    expect(claim).toMatchObject({ measured: "0 of 0", verdict: "not run" });
  });

  test("name a run in which none of the guest's programs was found", () => {
    const run = finishedRun("systemd", "shadow-transplant");
    if (run.found === null) throw new Error("it was run");
    const summary = { ...run.found.summary, programs: [] };
    const empty = { ...run, found: { ...run.found, summary } };
    const other = runs("systemd").slice(0, 2);
    expect(failing([...runs(), ...other, empty])).toEqual([
      "1 of 1; not: systemd by shadow-transplant",
    ]);
  });

  test.each([null, 0])("see a downtime of which the probe measured %s ms", (silenceMs) => {
    const unheard = finishedRun("busybox", "shadow", {}, { silenceMs });
    const [reboot, , transplant] = runs();
    if (reboot === undefined || transplant === undefined) throw new Error("there are runs");
    expect(failing([reboot, unheard, transplant])).toEqual([
      "at most 0 % apart; not: busybox by shadow",
    ]);
  });

  test("are a table with a row for each", () => {
    const page = claimsMarkdown(checkClaims(runs(), [SAME]));
    const rows = page.split("\n").filter((line) => line.startsWith("|"));
    expect(rows).toHaveLength(2 + checkClaims(runs(), []).length);
    for (const row of rows) expect(row.split(" | ")).toHaveLength(5);
  });
});
