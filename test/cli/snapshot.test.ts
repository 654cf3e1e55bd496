import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { comparePages } from "../../src/storage/pages.js";
import { decodeSnapshot } from "../../src/storage/snapshot-file.js";
import { temporaryDirectory } from "../experiment/temporary-directory.js";
import { busybox } from "../support/busybox.js";
import { runProgram } from "../support/program.js";

test("a machine is saved, looked into, and compared with its later self", async () => {
  const dir = temporaryDirectory();
  const booted = path.join(dir, "booted.snapshot");
  const later = path.join(dir, "later.snapshot");

  const save = ["snapshot", "save", "busybox", "--out"];
  expect(await runProgram([...save, booted])).toMatchObject({ status: 0 });
  const prelude = ["--run", "echo kept >/home/note && sync", "--after", "250"];
  expect(await runProgram([...save, later, ...prelude])).toMatchObject({ status: 0 });
  expect(readdirSync(dir).sort()).toEqual(["booted.snapshot", "later.snapshot"]);

  const { bootSnapshot } = await busybox();
  const saved = await decodeSnapshot(readFileSync(booted));
  expect(saved.clock).toBe(bootSnapshot.clock);
  const { added, removed, changed } = comparePages(saved.ram, bootSnapshot.ram);
  expect([...added, ...removed, ...changed]).toEqual([]);

  const info = await runProgram(["snapshot", "info", later]);
  expect(info.stdout).toContain("busybox, after: echo kept >/home/note && sync");
  expect(info.stdout).toMatch(/^memory +128 MiB$/m);
  const [, pages, notZero, unique] = /^RAM +(\d+) +(\d+) +(\d+)/m.exec(info.stdout) ?? [];
  expect(Number(pages)).toBe(32768);
  expect(Number(notZero)).toBeLessThan(32768);
  expect(Number(unique)).toBeLessThan(Number(notZero));

  const diff = await runProgram(["snapshot", "diff", booted, later]);
  const [, same, different] = /^RAM +(\d+) +(\d+)/m.exec(diff.stdout) ?? [];
  expect(Number(different)).toBeGreaterThan(0);
  expect(Number(same)).toBeGreaterThan(Number(different));
  expect(diff.stdout).toMatch(/^disk home +\d+ +[1-9]/m);
  expect(diff.stdout).toMatch(/^second .* later$/m);
});

test("a program that is started beside the shell lives in the snapshot", async () => {
  const out = path.join(temporaryDirectory(), "a.snapshot");
  const run = ["--run", "sleep 4321 &"];
  expect(await runProgram(["snapshot", "save", "busybox", "--out", out, ...run])).toMatchObject({
    status: 0,
  });
  const { stdout } = await runProgram(["process", "list", "busybox", "--snapshot", out]);
  expect(stdout).toMatch(/^\d+ .* sleep$/m);
});

test("no snapshot is taken after a command that fails", async () => {
  const out = path.join(temporaryDirectory(), "a.snapshot");
  const { status, stderr } = await runProgram([
    ...["snapshot", "save", "busybox", "--out", out],
    ...["--run", "ls /nowhere"],
  ]);
  expect(status).toBe(1);
  expect(stderr).toMatch(/"ls \/nowhere" ended with status 1[^]*No such file/);
  expect(existsSync(out)).toBe(false);
});

test("a place that cannot be written to is named, with the way out", async () => {
  const { status, stderr } = await runProgram([
    ...["snapshot", "save", "busybox", "--out", "package.json/a.snapshot"],
  ]);
  expect(status).toBe(1);
  expect(stderr).toMatch(/cannot write package.json\/a.snapshot: .*; choose another --out/);
});
