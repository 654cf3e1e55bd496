import { existsSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import type { CompleteRun } from "../../src/experiment/reproduce.js";
import { inAnotherProcess } from "../../src/experiment/run-elsewhere.js";
import { DEFAULT_HOST } from "../../src/host/config.js";
import { temporaryDirectory } from "./temporary-directory.js";

const RUN: CompleteRun = {
  guest: "busybox",
  strategy: "shadow",
  update: "kernel",
  applyIn: "original",
  keep: null,
  host: DEFAULT_HOST,
};

const signal = new AbortController().signal;

/** A program in place of ours, and where it is told to leave its run. */
function program(source: string) {
  const folder = temporaryDirectory();
  const file = path.join(folder, "program.mjs");
  writeFileSync(
    file,
    `import { mkdirSync, writeFileSync } from "node:fs";
    const directory = process.argv.at(-1);
    const leave = () => {
      mkdirSync(directory);
      writeFileSync(directory + "/summary.json", process.argv.slice(2, -1).join(" "));
    };
    ${source}`,
  );
  return { run: inAnotherProcess([file]), directory: path.join(folder, "run") };
}

test("a run that was rolled back is a run like any other", async () => {
  const { run, directory } = program("leave(); process.exitCode = 1;");
  await run(RUN, directory, signal);
  expect(existsSync(path.join(directory, "summary.json"))).toBe(true);
});

test("a process that fails before it leaves a run is an error with what it said", async () => {
  const { run, directory } = program(
    `process.stderr.write("shadow-reboot: the disk is full\\n"); process.exitCode = 1;`,
  );
  await expect(run(RUN, directory, signal)).rejects.toThrow(
    "busybox by shadow: the run in another process ended with 1: shadow-reboot: the disk is full",
  );
});

test("a process that ends by another status is an error, whatever it leaves", async () => {
  const { run, directory } = program("leave(); process.exitCode = 2;");
  await expect(run(RUN, directory, signal)).rejects.toThrow("ended with 2");
});

test("no process is started once the work is stopped", async () => {
  const { run, directory } = program("leave();");
  await expect(run(RUN, directory, AbortSignal.abort(new Error("enough")))).rejects.toThrow(
    "enough",
  );
  expect(existsSync(directory)).toBe(false);
});
