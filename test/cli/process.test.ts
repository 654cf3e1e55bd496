import { existsSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { temporaryDirectory } from "../experiment/temporary-directory.js";
import { runProgram } from "../support/program.js";

test("the processes of a guest are listed", async () => {
  const { status, stdout } = await runProgram(["process", "list", "busybox"]);
  expect(status).toBe(0);
  expect(stdout).toMatch(/^pid +parent +group +session +state +name$/m);
  expect(stdout).toMatch(/^1 +0 .* init$/m);
  expect(stdout).not.toContain("kthreadd");
});

test("a program is captured, shown, and goes on under another kernel", async () => {
  const file = path.join(temporaryDirectory(), "counter.image");
  const loop = "i=0; while sleep 1; do i=$((i+1)); echo COUNT $i $(uname -r); done";
  const captured = await runProgram([
    ...["process", "capture", "busybox", "--keep", "20001", "--out", file],
    ...["--run", `cd /; (${loop}) </dev/null & sleep 3`],
  ]);
  expect(captured.stderr).not.toContain("shadow-reboot:");
  expect(captured.stdout).toMatch(/counter.image {2}\d+ processes, /);

  const shown = await runProgram(["process", "show", file]);
  expect(shown.stdout).toMatch(/^captured on +Linux 6\.1\.0-47-686$/m);
  expect(shown.stdout).toMatch(/^process 20001 /m);
  const json = await runProgram(["process", "show", file, "--json"]);
  expect(JSON.parse(json.stdout)).toMatchObject({ kernel: "6.1.0-47-686" });

  const restored = await runProgram(["process", "restore", file, "busybox", "--for", "2500"]);
  expect(restored.stderr).not.toContain("shadow-reboot:");
  expect(restored.stdout).toMatch(/COUNT [34] 6\.1\.0-50-686/);
});

test("a process that does not run is named, and no file is left", async () => {
  const out = path.join(temporaryDirectory(), "a.image");
  const { status, stderr } = await runProgram([
    ...["process", "capture", "busybox", "--keep", "nobody", "--out", out],
  ]);
  expect(status).toBe(1);
  expect(stderr).toContain("no such process runs: name nobody");
  expect(existsSync(out)).toBe(false);
});

test("a file that is no image is named, with what is wrong", async () => {
  const file = path.join(temporaryDirectory(), "a.image");
  writeFileSync(file, "nothing");
  const { status, stderr } = await runProgram(["process", "show", file]);
  expect(status).toBe(1);
  expect(stderr).toMatch(/a\.image: this is no image of processes/);
});
