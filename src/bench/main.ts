/**
 * `npm run bench`: how much the project's mechanisms cost, as ratios between two sides that are measured
 * in turn in one run. `npm run bench -- pre-copy` makes only the figures of that name; with `--json`, the
 * figures come with all samples.
 */
import { parseArgs } from "node:util";
import { type Figure, figureTable, judge } from "./figure.js";
import { forkPause } from "./fork-pause.js";
import { lockstep } from "./lockstep.js";
import { preCopy } from "./pre-copy.js";
import { speed } from "./speed.js";

const FORK_ROUNDS = 15;
const BOOT_ROUNDS = 3;

type Progress = (step: string) => void;

const BENCHES: Readonly<Record<string, (progress: Progress) => Promise<readonly Figure[]>>> = {
  "fork-pause": (progress) => forkPause(progress, FORK_ROUNDS),
  speed: (progress) => speed(progress, BOOT_ROUNDS),
  lockstep: (progress) => lockstep(progress, BOOT_ROUNDS),
  "pre-copy": preCopy,
};

const { values, positionals } = parseArgs({
  options: { json: { type: "boolean", default: false } },
  allowPositionals: true,
});
const unknown = positionals.find((name) => !Object.hasOwn(BENCHES, name));
if (unknown === undefined) await bench();
else {
  const known = Object.keys(BENCHES).join(", ");
  process.stderr.write(`There is no bench "${unknown}"; there are: ${known}.\n`);
  process.exitCode = 2;
}

async function bench(): Promise<void> {
  const figures: Figure[] = [];
  for (const [name, make] of Object.entries(BENCHES)) {
    if (positionals.length > 0 && !positionals.includes(name)) continue;
    figures.push(...(await make((step) => process.stderr.write(`${step}\n`))));
  }
  const judged = figures.map(judge);
  process.stdout.write(values.json ? `${JSON.stringify(judged, null, 2)}\n` : figureTable(judged));
}
