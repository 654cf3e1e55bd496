import { expect, test } from "vitest";
import { runProgram, startProgram } from "../support/program.js";

test("types what a pipe holds, and prints what the guest answers as plain text", async () => {
  const { status, stdout } = await runProgram(["console", "busybox"], {
    input: "uname -r\necho $((6 * 7)) answers\n",
  });
  expect(stdout).toMatch(/^6\.1\.0-47-686\n[^]*^42 answers\n/m);
  expect(stdout).not.toMatch(/[\u001b\r]/);
  expect(status).toBe(0);
});

test("waits for a guest that takes its time after the input has ended", async () => {
  const { stdout } = await runProgram(["console", "busybox"], {
    input: "sleep 3; echo a; sleep 3; echo b\n",
  });
  expect(stdout).toMatch(/^a\nb\n/m);
});

test("ends by SIGINT, with the status that shells expect", async () => {
  const { child, outcome } = startProgram(["console", "busybox"]);
  child.stdout.once("data", () => child.kill("SIGINT"));
  const { status, stderr } = await outcome;
  expect(status).toBe(130);
  expect(stderr).toMatch(/^Interrupted/m);
});
