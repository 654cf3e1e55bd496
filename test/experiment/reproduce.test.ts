import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { virtualMs } from "../../src/clock/virtual-time.js";
import { loadExperiments } from "../../src/experiment/experiments.js";
import type { PreparedGuest } from "../../src/experiment/prepared-guest.js";
import {
  type CompleteRun,
  reproduce,
  type ReproduceOptions,
  runDirectory,
} from "../../src/experiment/reproduce.js";
import { writeResults } from "../../src/experiment/results.js";
import { readRun, writeRun } from "../../src/experiment/run-directory.js";
import { DEFAULT_HOST } from "../../src/host/config.js";
import { readRecipe } from "../../src/images/recipe.js";
import { openCache } from "../../src/node/cache.js";
import { MachineDied } from "../../src/machine/errors.js";
import { STRATEGIES, type StrategyName } from "../../src/reboot/update.js";
import { sampleSnapshot } from "../storage/sample-snapshot.js";
import { sampleReport } from "./sample-report.js";
import { temporaryDirectory } from "./temporary-directory.js";
import { QUIET } from "../support/quiet.js";

function leave(directory: string, strategy: StrategyName): void {
  const report = sampleReport(strategy === "reboot" ? "reboot" : "shadow");
  writeRun(directory, {}, { ...report, strategy });
}

/** A folder in which all runs of `busybox` are finished already, so that none has to be made. */
const runsFolder = mkdtempSync(path.join(tmpdir(), "shadow-reboot-runs-"));

beforeAll(async () => {
  for (const strategy of Object.keys(STRATEGIES) as StrategyName[]) {
    leave(await runDirectory(defaultRun(strategy), runsFolder), strategy);
  }
});

afterAll(() => {
  rmSync(runsFolder, { recursive: true });
});

function defaultRun(strategy: StrategyName): CompleteRun {
  return {
    guest: "busybox",
    strategy,
    update: "kernel",
    applyIn: "original",
    keep: null,
    host: DEFAULT_HOST,
  };
}

async function options(): Promise<ReproduceOptions> {
  return {
    experiments: (await loadExperiments()).filter(({ quick }) => quick),
    guests: ["busybox"],
    strategies: Object.keys(STRATEGIES) as StrategyName[],
    runsFolder,
    repeat: ({ strategy }) => strategy === "shadow-transplant",
    runElsewhere: (run, directory) => {
      leave(directory, run.strategy);
      return Promise.resolve();
    },
    prepare: () => Promise.reject(new Error("every run is kept")),
    jobs: 2,
  };
}

/** What a reproduction of the default runs of `busybox` in a folder of their own asks for. */
async function elsewhere(...strategies: StrategyName[]): Promise<ReproduceOptions> {
  const all = await options();
  const experiments = all.experiments.filter(({ name }) => name === "downtime");
  return { ...all, experiments, strategies, runsFolder: temporaryDirectory() };
}

/** A guest that is ready, and whose machines do not come up. */
async function guestWithout(error: Error): Promise<PreparedGuest> {
  return {
    name: "busybox",
    recipe: await readRecipe("busybox"),
    cache: await openCache(),
    bootSnapshot: sampleSnapshot,
    startMachine: () => Promise.reject(error),
  };
}

describe("a reproduction", () => {
  test("takes finished runs from where they are kept, and makes them once for all figures", async () => {
    const { experiments, repetitions } = await reproduce(await options(), QUIET);
    const strategies = Object.keys(STRATEGIES);
    const names = experiments.map(({ experiment }) => experiment.name);
    expect(names).toEqual(["downtime", "phases", "timeline"]);
    expect(experiments[0]?.runs.map(({ strategy }) => strategy)).toEqual(strategies);
    expect(experiments[1]?.runs).toEqual(experiments[0]?.runs);
    expect(experiments[0]?.runs.every(({ outcome }) => outcome === "committed")).toBe(true);
    expect(repetitions).toHaveLength(1);
    expect(repetitions[0]?.repeated).toBe(repetitions[0]?.digest);
  });

  test("asks a guest only for updates that it has", async () => {
    const settings = (await loadExperiments()).find(({ name }) => name === "settings");
    const runs = settings?.runs({
      guests: ["busybox", "kernels"],
      strategies: ["reboot", "phase-reuse", "kexec"],
      updates: (guest) => (guest === "busybox" ? ["kernel", "config"] : ["kernel"]),
    });
    expect(runs).toEqual([
      { guest: "busybox", strategy: "reboot", update: "config" },
      { guest: "busybox", strategy: "phase-reuse", update: "config" },
    ]);
  });

  test("leaves the same bytes each time, with data, claims and each figure in three forms", async () => {
    const folder = temporaryDirectory();
    const written = [];
    for (const name of ["first", "second"]) {
      const target = path.join(folder, name);
      await writeResults(target, await reproduce(await options(), QUIET));
      const files = readdirSync(target).sort();
      written.push(files.map((file) => [file, readFileSync(path.join(target, file), "base64")]));
    }
    expect(written[1]).toEqual(written[0]);
    const names = written[0]?.map(([file]) => file);
    const figures = ["downtime", "phases", "timeline"].flatMap((figure) =>
      ["pdf", "png", "svg"].map((form) => `${figure}.${form}`),
    );
    const rest = ["claims.md", "data.csv", "data.json", "wall-times.csv"];
    expect(names).toEqual([...rest, ...figures].sort());
  });

  test("has a row of data for each guest and strategy, without a wall time", async () => {
    const folder = temporaryDirectory();
    const reproduction = await reproduce(await options(), QUIET);
    await writeResults(folder, reproduction);
    const [heading, ...rows] = readFileSync(path.join(folder, "data.csv"), "utf8")
      .trim()
      .split("\n");
    expect(heading).toMatch(/^guest,strategy,/);
    expect(heading).not.toMatch(/wall/i);
    expect(rows.map((row) => row.split(",").slice(0, 2).join(" by "))).toEqual(
      Object.keys(STRATEGIES).map((strategy) => `busybox by ${strategy}`),
    );
  });

  test("that is stopped says so and keeps what is finished", async () => {
    const before = readdirSync(runsFolder);
    const stopped = reproduce(
      {
        ...(await options()),
        repeat: ({ strategy }) => strategy === "reboot",
        runElsewhere: () => Promise.reject(new Error("stopped")),
      },
      QUIET,
    );
    await expect(stopped).rejects.toThrow("stopped");
    expect(readdirSync(runsFolder)).toEqual(before);
  });

  test("leaves out an experiment about a guest that nobody asked for", async () => {
    const { experiments } = await reproduce({ ...(await options()), guests: [] }, QUIET);
    expect(experiments).toEqual([]);
  });

  test("leaves out an experiment about a strategy that nobody asked for", async () => {
    const named = async (...strategies: StrategyName[]) => {
      const { experiments } = await reproduce({ ...(await options()), strategies }, QUIET);
      return experiments.map(({ experiment }) => experiment.name);
    };
    expect(await named("reboot")).toEqual(["downtime", "phases"]);
    const quick = await named("reboot", "shadow", "shadow-transplant");
    expect(quick).toEqual(["downtime", "phases", "timeline"]);
  });

  test("begins no further run once it is stopped", async () => {
    const stop = new AbortController();
    const wanted = await elsewhere("reboot", "kexec");
    for (const strategy of wanted.strategies) {
      leave(await runDirectory(defaultRun(strategy), wanted.runsFolder), strategy);
    }
    let begun = 0;
    const stopped = reproduce(
      {
        ...wanted,
        repeat: () => true,
        runElsewhere: (run, directory) => {
          begun++;
          leave(directory, run.strategy);
          stop.abort(new Error("enough"));
          return Promise.resolve();
        },
      },
      { ...QUIET, signal: stop.signal },
    );
    await expect(stopped).rejects.toThrow("enough");
    expect(begun).toBe(1);
  });

  test("takes what failed in the simulated world for a result, and goes on", async () => {
    const { experiments } = await reproduce(
      {
        ...(await elsewhere("reboot", "shadow")),
        prepare: () => guestWithout(new MachineDied("original", "it burnt", virtualMs(7))),
      },
      QUIET,
    );
    const found = experiments[0]?.runs.map(({ strategy, outcome }) => `${strategy}: ${outcome}`);
    expect(found).toEqual(["reboot: failed", "shadow: failed"]);
    expect(experiments[0]?.runs[0]?.reason).toContain("it burnt");
  });

  test("ends with what failed outside the simulated world, and names the run", async () => {
    const full = new Error("no space left on device");
    const stopped = reproduce(
      { ...(await elsewhere("reboot", "shadow")), prepare: () => guestWithout(full) },
      QUIET,
    );
    await expect(stopped).rejects.toMatchObject({
      message: "busybox by reboot: no space left on device",
      cause: full,
    });
    const unreachable = { ...(await elsewhere("shadow")), prepare: () => Promise.reject(full) };
    await expect(reproduce(unreachable, QUIET)).rejects.toThrow("busybox by shadow: no space");
  });

  test("makes a kept run anew that cannot be read", async () => {
    const wanted = await elsewhere("reboot");
    const directory = await runDirectory(defaultRun("reboot"), wanted.runsFolder);
    leave(directory, "reboot");
    truncateSync(path.join(directory, "summary.json"), 10);
    const asked: string[] = [];
    const { experiments } = await reproduce(
      {
        ...wanted,
        prepare: (guest) => {
          asked.push(guest);
          return guestWithout(new MachineDied("original", "it burnt", virtualMs(7)));
        },
      },
      QUIET,
    );
    expect(experiments[0]?.runs[0]?.reason).toContain("it burnt");
    expect(asked).toEqual(["busybox"]);
    expect(readdirSync(wanted.runsFolder)).toEqual([]);
  });

  test("makes a repetition anew that cannot be read", async () => {
    const wanted = await elsewhere("shadow");
    const directory = await runDirectory(defaultRun("shadow"), wanted.runsFolder);
    leave(directory, "shadow");
    leave(`${directory}-again`, "shadow");
    truncateSync(path.join(`${directory}-again`, "probe.csv"), 10);
    const { repetitions } = await reproduce({ ...wanted, repeat: () => true }, QUIET);
    expect(repetitions[0]?.repeated).toBe(repetitions[0]?.digest);
    expect(readRun(`${directory}-again`).summary.strategy).toBe("shadow");
  });
});

test("a change of the host or of the user's work gives a run another place, so that it is made anew", async () => {
  const run = defaultRun("shadow");
  const other = { ...run, host: { ...DEFAULT_HOST, cores: 1 as const } };
  const working = { ...run, run: "work &" };
  expect(await runDirectory(run, "runs")).toMatch(/^runs.busybox-shadow-[0-9a-f]{16}$/);
  const places = await Promise.all([run, other, working].map((each) => runDirectory(each, "runs")));
  expect(new Set(places).size).toBe(3);
});
