import { spawnSync } from "node:child_process";
import { closeSync, existsSync, openSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { Argv } from "yargs";
import { commandLine } from "../../src/cli/command-line.js";
import { UsageError } from "../../src/cli/context.js";
import { parseStrategies } from "../../src/cli/options.js";
import { runProgram, startProgram } from "../support/program.js";

function freshCommandLine(): Argv {
  return commandLine({
    guests: ["busybox"],
    signal: new AbortController().signal,
    show: () => undefined,
    print: () => undefined,
    remark: () => undefined,
  });
}

/** What `--help` prints. */
function help(...command: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const args = [...command, "--help"];
    void freshCommandLine().parse(args, (error: Error | undefined, _: unknown, text: string) => {
      if (error) reject(error);
      else resolve(text);
    });
  });
}

describe("help", () => {
  test.each([
    ["compare", "busybox"],
    ["update", "busybox --strategy shadow"],
    ["console", "busybox"],
    ["images build", "busybox"],
    ["images list", ""],
    ["images show", "busybox"],
    ["images verify", "busybox"],
    ["images import", "root.tar.gz --name mine"],
    ["reproduce", "--quick"],
    ["snapshot save", "busybox --out"],
    ["snapshot info", ""],
    ["snapshot diff", ""],
    ["doctor", ""],
  ])("of %s has examples", async (command, example) => {
    const text = await help(...command.split(" "));
    expect(text.split("\n")[0]).toContain(`shadow-reboot ${command}`);
    const examples = text.slice(text.indexOf("Examples:"));
    expect(examples).toContain(`shadow-reboot ${command} ${example}`.trim());
  });

  test("names all commands, and what can be set from outside", async () => {
    const text = await help();
    for (const command of ["compare", "update", "console", "images", "snapshot", "doctor"]) {
      expect(text).toContain(`shadow-reboot ${command}`);
    }
    expect(text).toMatch(/SHADOW_REBOOT_CACHE[^]*SHADOW_REBOOT_MIRROR[^]*SHADOW_REBOOT_DEBUG/);
  });
});

describe("wrong usage is told from failed work, with the way out", () => {
  test.each([
    { args: "", says: /Name a command[^]*shadow-reboot --help/ },
    { args: "updat busybox", says: /Did you mean update\?[^]*--help/ },
    { args: "images biuld", says: /Did you mean build\?[^]*images --help/ },
    { args: "update busybox", says: /Missing required argument: strategy[^]*update --help/ },
    { args: "update xp --strategy shadow", says: /Given: "xp", Choices: "busybox"/ },
    { args: "update busybox --strategy magic", says: /Choices: "reboot", .*"shadow"/ },
    { args: "update busybox --strategy shadow --cors 2", says: /Unknown argument: cors/ },
    { args: "update busybox --strategy shadow --cores 3", says: /Choices: 1, 2, 4/ },
    { args: "compare busybox --policy lottery", says: /Choices: "fair", .*"idletime"/ },
    {
      args: "compare busybox --preemption-interval 5",
      says: /--preemption-interval has a meaning only with --policy idletime/,
    },
    {
      args: "compare busybox --policy idletime --preemption-interval -5",
      says: /no such host: preemptionIntervalMs/,
    },
    { args: "reproduce --quick --jobs 0", says: /--jobs is the number of runs at the same time/ },
    { args: "compare busybox --switch-cost 0.5", says: /only with --cores 1/ },
    { args: "compare busybox --cores 1 --switch-cost -1", says: /no such host: costs\.switchMs/ },
    { args: "update busybox --strategy shadow --run=", says: /--run takes one line of shell/ },
    { args: "compare busybox --run a\nb", says: /--run takes one line of shell/ },
    { args: "compare busybox --disk-latency 5", says: /only with --disk-bandwidth/ },
    { args: "compare busybox --disk-bandwidth 0", says: /no such host: disk\.bytesPerMs/ },
    {
      args: "update busybox --strategy kexec --keep sh",
      says: /only with --strategy checkpoint-reboot or shadow-transplant/,
    },
    {
      args: "update busybox --strategy shadow --drop",
      says: /--drop has a meaning only with --strategy checkpoint-reboot or shadow-transplant/,
    },
    {
      args: "update busybox --strategy shadow --update moon",
      says: /no update "moon"; .*"kernel"/,
    },
    {
      args: "update busybox --strategy shadow --ours etc",
      says: /"etc" is not an absolute path/,
    },
    {
      args: "update busybox --strategy shadow --theirs /etc/../root",
      says: /"\/etc\/..\/root" has "\.\." in it/,
    },
    {
      args: "update busybox --strategy reboot --apply shadow",
      says: /needs a strategy that reboots a fork: shadow or shadow-transplant/,
    },
    { args: "compare busybox --strategies reboot,magic", says: /no strategy "magic"; .*shadow/ },
    { args: "compare busybox --strategies a --strategies b", says: /--strategies is given more/ },
    {
      args: "compare busybox --switch-cost 1 --switch-cost 2",
      says: /--switch-cost is given more/,
    },
    { args: "process capture busybox --out x --keep a --keep b", says: /--keep is given more/ },
    {
      args: "update busybox --strategy reboot --keep a --keep b --ours /a --ours /b",
      says: /--keep has a meaning only with/,
    },
    { args: "snapshot save busybox --out x --run=", says: /--run takes one line of shell/ },
    {
      args: "process capture busybox --keep sh --out x --run a\nb",
      says: /--run takes one line of shell/,
    },
    { args: "snapshot save busybox --out x --after -1", says: /--after .* not negative/ },
  ])("shadow-reboot $args", async ({ args, says }) => {
    const parse = async () => freshCommandLine().parseAsync(args.split(" ").filter(Boolean));
    await expect(parse()).rejects.toThrow(UsageError);
    await expect(parse()).rejects.toThrow(says);
  });
});

test("wrong usage ends with status 2 and one message", async () => {
  const { status, stdout, stderr } = await runProgram(["updat", "busybox"]);
  expect(stderr).toMatch(/^shadow-reboot: Did you mean update\?\nUsage: .*\n$/);
  expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
});

test.each([
  {
    args: "update busybox --strategy shadow-transplant --keep a:b",
    status: 2,
    says: '--keep "a:b" is neither',
  },
  { args: "process list busybox --snapshot nowhere", status: 1, says: "nowhere: ENOENT" },
  {
    args: "process capture busybox --keep sh --out a --snapshot nowhere",
    status: 1,
    says: "nowhere: ENOENT",
  },
  {
    args: "compare busybox --out package.json/a/b",
    status: 1,
    says: /cannot make package.json\/a\/b: .*package.json is a file; choose a directory/,
  },
])("$args is refused before the guest is built", async ({ args, status, says }) => {
  // Nothing can be built where the cache cannot be.
  const env = { SHADOW_REBOOT_CACHE: "package.json" };
  const outcome = await runProgram(args.split(" "), { env });
  expect(outcome).toMatchObject({ status, stdout: "" });
  expect(outcome.stderr).toMatch(says);
});

test("strategies are read in their order, with or without spaces", () => {
  expect(parseStrategies("shadow, reboot")).toEqual(["shadow", "reboot"]);
});

test("a strategy is not compared with itself", () => {
  expect(() => parseStrategies("shadow,shadow")).toThrow("twice");
});

test("work that fails ends with status 1 and one message; a stack trace has to be asked for", async () => {
  const args = ["snapshot", "info", "package.json"];
  const { status, stdout, stderr } = await runProgram(args);
  expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
  expect(stderr).toMatch(/^shadow-reboot: package.json: this is not a snapshot file.*\n$/);
  const asked = await runProgram(args, { env: { SHADOW_REBOOT_DEBUG: "1" } });
  expect(asked.stderr).toMatch(/^ +at /m);
});

test("what a message quotes cannot steer the terminal", async () => {
  const args = ["snapshot", "info", "no\u001b[2J\u009b\r such\tfile"];
  const env = { SHADOW_REBOOT_DEBUG: "1" };
  const { stderr } = await runProgram(args, { env });
  expect(stderr).toMatch(/^shadow-reboot: .*no\[2J such\tfile/);
  expect(stderr).not.toMatch(/[^\P{Cc}\n\t]/u);
});

test.skipIf(!existsSync("/dev/full"))("results that find no room are an error", () => {
  const args = ["--import", "tsx", "src/cli/main.ts", "images", "show", "busybox"];
  const full = openSync("/dev/full", "w");
  const { status, stderr } = spawnSync(process.execPath, args, {
    stdio: ["ignore", full, "pipe"],
    encoding: "utf8",
  });
  closeSync(full);
  expect(stderr).toMatch(/^shadow-reboot: standard output cannot be written: ENOSPC.*\n$/);
  expect(status).toBe(1);
});

test("a reader that goes away is no error", async () => {
  const { child, outcome } = startProgram(["--help"]);
  child.stdout.destroy();
  expect(await outcome).toMatchObject({ status: 0, stderr: "" });
});
