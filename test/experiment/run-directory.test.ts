import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { virtualMs } from "../../src/clock/virtual-time.js";
import { eventsForDigest } from "../../src/reboot/digest.js";
import { readRun, RunDirectoryError, writeRun } from "../../src/experiment/run-directory.js";
import { summarise } from "../../src/experiment/summary.js";
import type { MachineRole } from "../../src/reboot/report.js";
import { sampleReport } from "./sample-report.js";
import { temporaryDirectory } from "./temporary-directory.js";

const config = { guest: "busybox", cores: 2, machine: { seed: 1, memoryBytes: 134_217_728 } };

const FILES = [
  "config.json",
  "downtime.png",
  "downtime.svg",
  "events.jsonl",
  "original-serial0.cast",
  "original-serial1.cast",
  "probe.csv",
  "reboot-dedicated-serial0.cast",
  "summary.json",
  "timeline.png",
  "timeline.svg",
  "trace.json",
];

describe("a run on disk", () => {
  test("can be read back", () => {
    const dir = path.join(temporaryDirectory(), "runs", "shadow");
    const report = sampleReport("shadow");
    writeRun(dir, config, report);
    expect(readdirSync(dir).sort()).toEqual(FILES);
    const { events, probe } = report;
    expect(readRun(dir)).toEqual({ config, summary: summarise(report), events, probe });
    expect(new Uint8Array(readFileSync(path.join(dir, "events.jsonl")))).toEqual(
      eventsForDigest(report.events),
    );
  });

  test("is the same to the byte for an equal run", () => {
    const parent = temporaryDirectory();
    const [a, b] = [path.join(parent, "a"), path.join(parent, "b")];
    writeRun(a, config, sampleReport("shadow"));
    writeRun(b, Object.fromEntries(Object.entries(config).reverse()), sampleReport("shadow"));
    for (const name of FILES) {
      const same = readFileSync(path.join(a, name)).equals(readFileSync(path.join(b, name)));
      expect(same, name).toBe(true);
    }
  });

  test("gives way to the next run, with no file of the old one left", () => {
    const parent = temporaryDirectory();
    const dir = path.join(parent, "run");
    writeRun(dir, config, sampleReport("shadow"));
    writeRun(dir, config, sampleReport("reboot", { consoles: [] }));
    expect(readRun(dir).summary.strategy).toBe("reboot");
    expect(readdirSync(dir).filter((name) => name.endsWith(".cast"))).toEqual([]);
    expect(readdirSync(parent)).toEqual(["run"]);
  });

  test("may take the place of an empty directory", () => {
    const dir = path.join(temporaryDirectory(), "empty");
    mkdirSync(dir);
    writeRun(dir, config, sampleReport("reboot"));
    expect(readRun(dir).summary.guest).toBe("busybox");
  });
});

describe("files of the user's", () => {
  test("a directory with a foreign file is left alone", () => {
    const dir = path.join(temporaryDirectory(), "run");
    writeRun(dir, config, sampleReport("shadow"));
    writeFileSync(path.join(dir, "thesis.tex"), "years of work");
    expect(() => {
      writeRun(dir, config, sampleReport("reboot"));
    }).toThrow(/holds thesis\.tex.*choose another directory/);
    expect(readRun(dir).summary.strategy).toBe("shadow");
    expect(readFileSync(path.join(dir, "thesis.tex"), "utf8")).toBe("years of work");
  });

  test("a directory whose summary.json is not ours is left alone", () => {
    const dir = temporaryDirectory();
    writeFileSync(path.join(dir, "summary.json"), '{"of": "something else"}');
    expect(() => {
      writeRun(dir, config, sampleReport("reboot"));
    }).toThrow("holds no whole run");
    expect(readdirSync(dir)).toEqual(["summary.json"]);
  });

  test("a file is left alone", () => {
    const file = path.join(temporaryDirectory(), "notes");
    writeFileSync(file, "mine");
    expect(() => {
      writeRun(file, config, sampleReport("reboot"));
    }).toThrow("is a file; choose another directory");
    expect(readFileSync(file, "utf8")).toBe("mine");
  });
});

describe("a run that cannot be written", () => {
  /** Its console's name is no name of a file, so writing stops in the middle of the files. */
  const unwritable = sampleReport("shadow", {
    consoles: [
      {
        atMs: virtualMs(0),
        // No report has such a role; it stands for a disk that is full.
        machine: "no/such/folder" as MachineRole,
        line: 0,
        bytes: new Uint8Array(1),
      },
    ],
  });

  test("leaves nothing", () => {
    const parent = temporaryDirectory();
    expect(() => {
      writeRun(path.join(parent, "run"), config, unwritable);
    }).toThrow(RunDirectoryError);
    expect(readdirSync(parent)).toEqual([]);
  });

  test("leaves the run before it", () => {
    const parent = temporaryDirectory();
    const dir = path.join(parent, "run");
    writeRun(dir, config, sampleReport("reboot"));
    expect(() => {
      writeRun(dir, config, unwritable);
    }).toThrow("cannot write the run");
    expect(readRun(dir).summary.strategy).toBe("reboot");
    expect(readdirSync(parent)).toEqual(["run"]);
  });

  test("says where: below a file there is no room for a directory", () => {
    const parent = temporaryDirectory();
    const file = path.join(parent, "file");
    writeFileSync(file, "");
    expect(() => {
      writeRun(path.join(file, "run"), config, sampleReport("reboot"));
    }).toThrow(/cannot make .*file.run: .*file is a file; choose a directory/);
    expect(readdirSync(parent)).toEqual(["file"]);
  });
});

describe("a damaged run", () => {
  test.each(["config.json", "summary.json", "events.jsonl", "probe.csv"])(
    "is refused by name: %s",
    (name) => {
      const dir = path.join(temporaryDirectory(), "run");
      writeRun(dir, config, sampleReport("shadow"));
      const file = path.join(dir, name);
      writeFileSync(file, readFileSync(file).subarray(0, -10));
      expect(() => readRun(dir)).toThrow(RunDirectoryError);
      expect(() => readRun(dir)).toThrow(name);
      rmSync(file);
      expect(() => readRun(dir)).toThrow(name);
      expect(existsSync(file)).toBe(false);
    },
  );
});
