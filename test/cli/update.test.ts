import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { describeRun } from "../../src/cli/commands/update.js";
import { readRun } from "../../src/experiment/run-directory.js";
import { summarise } from "../../src/experiment/summary.js";
import { temporaryDirectory } from "../experiment/temporary-directory.js";
import { sampleReport } from "../experiment/sample-report.js";
import { runProgram, startProgram } from "../support/program.js";

test("a shadow reboot leaves a run, and prints nothing but its JSON document", async () => {
  const out = path.join(temporaryDirectory(), "run");
  const work = "while sleep 1; do echo work; done &";
  const options = ["--out", out, "--cores", "4", "--run", work, "--json"];
  const { status, stdout } = await runProgram([
    "update",
    "busybox",
    "--strategy",
    "shadow",
    ...options,
  ]);
  expect(status).toBe(0);

  const run = readRun(out);
  expect(JSON.parse(stdout)).toEqual({ directory: out, ...run.summary });
  expect(run.summary).toMatchObject({
    guest: "busybox",
    strategy: "shadow",
    kernelBefore: "6.1.0-47-686",
    kernelAfter: "6.1.0-50-686",
    committed: true,
  });
  expect(run.config).toMatchObject({
    guest: "busybox",
    update: "kernel",
    host: { cores: 4 },
    run: work,
  });
  expect(run.summary.background?.tookMs).toBeGreaterThan(1000);
  const console = readFileSync(path.join(out, "original-serial0.cast"), "utf8");
  expect(console.split("work\\r\\n").length).toBeGreaterThan(3);
});

test("Ctrl-C in the middle of an update leaves nothing behind", async () => {
  const dir = temporaryDirectory();
  const out = path.join(dir, "run");
  const args = ["update", "busybox", "--strategy", "shadow", "--out", out];
  const { child, says, outcome } = startProgram(args);
  await says(/background-/);
  child.kill("SIGINT");
  const { status, stdout, stderr } = await outcome;
  expect({ status, stdout }).toEqual({ status: 130, stdout: "" });
  expect(stderr).toMatch(/Interrupted; nothing half-done was left behind\.\n$/);
  expect(readdirSync(dir)).toEqual([]);
});

test("a directory that is not a run is refused before the work begins", async () => {
  const { status, stderr } = await runProgram([
    ...["update", "busybox", "--strategy", "shadow", "--out", "src"],
  ]);
  expect(status).toBe(1);
  expect(stderr).toMatch(/src holds .*, which is not a file of a run, .*choose another directory/);
  expect(stderr).not.toContain("apply-update");
  expect(existsSync("src/cli/main.ts")).toBe(true);
});

test("the summary of an update that was rolled back gives the reason", () => {
  const message = 'The update failed in "health-check": no. The original VM goes on.';
  const text = describeRun(
    {
      ...summarise(sampleReport("shadow")),
      committed: false,
      failure: { phase: "health-check", message, rolledBack: true, silent: false },
    },
    "runs/a",
  );
  expect(text).toMatch(/rolled back\n/);
  expect(text).toContain(message);
  expect(text).toMatch(/of virtual time\n.*of wall time/);
});

test("the summary of an update says what survived, and what a program felt of it", () => {
  const text = describeRun(summarise(sampleReport("shadow")), "runs/a");
  expect(text).toMatch(/^survived +counter\nended +shell\n/m);
  expect(text).toMatch(/^ +46 ms of virtual time by a program's own heartbeat\n/m);
});
