/** Updates as a user of Debian applies them: dpkg installs packages, and their own scripts do the rest. */
import { beforeAll, describe, expect, test } from "vitest";
import { prepareFollowed } from "../../src/experiment/preparation.js";
import { guestProfile, type PreparedGuest } from "../../src/experiment/prepared-guest.js";
import { DEFAULT_HOST } from "../../src/host/config.js";
import type { ApplyPlace } from "../../src/reboot/apply-update.js";
import type { RunReport } from "../../src/reboot/report.js";
import type { Run } from "../../src/reboot/run.js";
import { runUpdate, type StrategyName } from "../../src/reboot/update.js";
import { runCommand } from "../../src/reboot/vm.js";
import { QUIET } from "../support/quiet.js";

const COMMAND_MS = 60_000;
const OLD_KERNEL = "6.1.0-47-686";

let debian12: PreparedGuest;
beforeAll(async () => {
  debian12 = await prepareFollowed("debian12", QUIET);
});

interface Outcome {
  readonly report: RunReport;
  /** What each question came to, in the user's machine at the end. */
  readonly answers: readonly string[];
}

/** An update, and what the user's machine says at its end. */
async function update(
  name: string,
  strategy: StrategyName,
  applyIn: ApplyPlace,
  {
    questions = [],
    program,
    drop = false,
    guest = debian12,
  }: {
    readonly questions?: readonly string[];
    readonly program?: string;
    readonly drop?: boolean;
    readonly guest?: PreparedGuest;
  } = {},
): Promise<Outcome> {
  const profile = guestProfile(guest, name);
  const running = { name: "program", start: program ?? "", check: "kill -0 $program" };
  const answers: string[] = [];
  const report = await runUpdate({
    strategy,
    applyIn,
    drop,
    guest: program === undefined ? profile : { ...profile, programs: [running] },
    bootSnapshot: guest.bootSnapshot,
    host: DEFAULT_HOST,
    startMachine: (machine) => guest.startMachine(machine),
    wallNow: () => performance.now(),
    observer: {
      async onEnd(run: Run) {
        for (const question of questions) {
          answers.push((await runCommand(run.active(), question, COMMAND_MS)).output.trim());
        }
      },
    },
  });
  return { report, answers };
}

/** Nothing that the user has written on either disk is gone, and nothing was left for a person to decide. */
function expectNothingLost({ events, files }: RunReport): void {
  for (const kind of ["home-checked", "files-checked"]) {
    expect(events.find((event) => event.kind === kind)?.detail).toEqual({ lost: "" });
  }
  expect(files?.filter(({ action }) => action === "conflict") ?? []).toEqual([]);
}

const packages = "dpkg-query -W -f '${Version}\\n' libssl3 openssl";

describe("a library", () => {
  const questions = ["openssl version", packages, "dpkg --audit"];
  const isNew = (answers: readonly string[]) => {
    expect(answers[0]).toMatch(/^OpenSSL 3\.0\.20 /);
    expect(answers[1]).toMatch(/^(3\.0\.20-\S+\s*){2}$/);
    expect(answers[2]).toBe("");
  };

  test.each([
    ["shadow", "original"],
    ["shadow", "shadow"],
    ["reboot", "original"],
  ] as const)("is installed by dpkg, with %s, in the %s", async (strategy, applyIn) => {
    const { report, answers } = await update("library", strategy, applyIn, { questions });
    expect(report).toMatchObject({ failure: null, committed: true, kernelAfter: OLD_KERNEL });
    isNew(answers);
    if (strategy === "shadow") expectNothingLost(report);
  });

  test("is installed while the user's shell, which does not use it, moves along", async () => {
    const { report, answers } = await update("library", "shadow-transplant", "shadow", {
      questions,
      program: "sleep 1000000 & program=$!",
    });
    expect(report).toMatchObject({ failure: null, committed: true });
    expect(report.programs).toEqual([{ name: "program", survived: true }]);
    isNew(answers);
    expectNothingLost(report);
  });

  test("goes along with a program that has the old one in memory, if it was replaced before the fork", async () => {
    const { report, answers } = await update("library", "shadow-transplant", "original", {
      questions,
      program: "LD_PRELOAD=/usr/lib/i386-linux-gnu/libssl.so.3 sleep 1000000 & program=$!",
    });
    expect(report).toMatchObject({ failure: null, committed: true });
    expect(report.programs).toEqual([{ name: "program", survived: true }]);
    isNew(answers);
  });

  test.each([
    [
      "shadow",
      /process \d+ \(openssl\): \/usr\/\S+ in its memory: it is another file after the update.*--drop/,
    ],
    ["original", /\(openssl\): its program \/usr\/bin\/openssl: it was replaced or deleted/],
  ] as const)(
    "cannot be replaced in the %s under a program that goes along: the error says which",
    async (applyIn, message) => {
      const { report, answers } = await update("library", "shadow-transplant", applyIn, {
        questions: ["uname -r", "openssl version"],
        program: "sleep 1000000 | openssl dgst & program=$!",
      });
      expect(report.committed).toBe(false);
      expect(report.failure?.message).toMatch(message);
      expect(report.programs).toEqual([{ name: "program", survived: true }]);
      expect(answers[0]).toBe(OLD_KERNEL);
      // Applied in the fork, the update has not touched the original VM.
      expect(answers[1]).toMatch(
        applyIn === "shadow" ? /^OpenSSL 3\.0\.17 / : /^OpenSSL 3\.0\.20 /,
      );
    },
  );
});

test("a library is replaced in the fork, and a program that uses it stays behind if the user says so", async () => {
  const { report, answers } = await update("library", "shadow-transplant", "shadow", {
    questions: ["openssl version"],
    program: "LD_PRELOAD=/usr/lib/i386-linux-gnu/libssl.so.3 sleep 999 & program=$!",
    drop: true,
  });
  expect(report).toMatchObject({ failure: null, committed: true });
  const left = report.events.find(({ kind }) => kind === "left-behind")?.detail?.programs;
  expect(left).toMatch(/process \d+ \(sleep\): \S+\/libssl\.so\.3 in its memory/);
  expect(report.programs).toEqual([{ name: "program", survived: false }]);
  expect(answers[0]).toMatch(/^OpenSSL 3\.0\.20 /);
});

describe("a kernel", () => {
  test.each([
    ["kernel", "6.1.0-50-686", "original"],
    ["kernel-pae", "6.1.0-50-686-pae", "shadow"],
    ["kernel-rt", "6.1.0-50-rt-686-pae", "shadow"],
  ] as const)(
    "(%s) is installed by dpkg, whose hooks make it bootable",
    async (name, release, applyIn) => {
      const { report, answers } = await update(name, "shadow", applyIn, {
        questions: [
          `dpkg-query -W -f '\${Status}\\n' linux-image-${release}`,
          `ls -1 /boot/vmlinuz-${release} /boot/initrd.img-${release}`,
          "grep -c '^menuentry ' /boot/grub/grub.cfg",
          "grep -o 'root=UUID=[0-9a-f-]*' /proc/cmdline",
        ],
      });
      expect(report).toMatchObject({ failure: null, committed: true, kernelAfter: release });
      expect(answers[0]).toBe("install ok installed");
      expect(answers[1]).toBe(`/boot/initrd.img-${release}\n/boot/vmlinuz-${release}`);
      // grub-mkconfig has made the menu: one entry, the others in a submenu.
      expect(answers[2]).toBe("1");
      expect(answers[3]).toContain("root=UUID=53480001-");
      expectNothingLost(report);
    },
  );
});

test("a kernel of the next release is installed by dpkg of the one before, and the user's shell moves to it", async () => {
  const guest = await prepareFollowed("debian11", QUIET);
  const { report, answers } = await update("release", "shadow-transplant", "shadow", {
    guest,
    questions: ["cat /etc/debian_version", "dpkg --audit"],
    program: "sleep 1000000 & program=$!",
  });
  expect(report).toMatchObject({ failure: null, committed: true, kernelAfter: "6.1.0-50-686" });
  expect(report.programs).toEqual([{ name: "program", survived: true }]);
  expect(answers[0]).toMatch(/^11\./);
  expect(answers[1]).toBe("");
  expectNothingLost(report);
});

test("the configuration: host name, sysctl, fstab and a unit", async () => {
  const { report, answers } = await update("config", "shadow", "original", {
    questions: [
      "hostname; sysctl -n vm.swappiness",
      "grep -c commit=30 /proc/self/mountinfo",
      "systemctl show -p Nice --value cron",
    ],
  });
  expect(report).toMatchObject({ failure: null, committed: true, kernelAfter: OLD_KERNEL });
  expect(answers).toEqual(["new-guest\n10", "1", "5"]);
  expectNothingLost(report);
});

test("all at once, with the user's shell, in the fork while the user works", async () => {
  const { report, answers } = await update("all", "shadow-transplant", "shadow", {
    questions: ["uname -r; cat /proc/sys/kernel/hostname", "openssl version"],
    program: "sleep 1000000 & program=$!",
  });
  expect(report).toMatchObject({ failure: null, committed: true });
  expect(report.programs).toEqual([{ name: "program", survived: true }]);
  expect(answers[0]).toBe("6.1.0-50-686\nnew-guest");
  expect(answers[1]).toMatch(/^OpenSSL 3\.0\.20 /);
  expectNothingLost(report);
});
