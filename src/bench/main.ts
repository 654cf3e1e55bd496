/**
 * `npm run bench`: how much the project's mechanisms cost, as ratios between two sides that are measured
 * in turn in one run. With `--json`, the figures with all samples.
 */
import { parseArgs } from "node:util";
import { figureTable, judge } from "./figure.js";
import { forkPause } from "./fork-pause.js";
import { lockstep } from "./lockstep.js";
import { preCopy } from "./pre-copy.js";
import { speed } from "./speed.js";

const FORK_ROUNDS = 15;
const BOOT_ROUNDS = 3;

const { values } = parseArgs({ options: { json: { type: "boolean", default: false } } });
const progress = (step: string): void => {
  process.stderr.write(`${step}\n`);
};

const figures = [
  ...(await forkPause(progress, FORK_ROUNDS)),
  ...(await speed(progress, BOOT_ROUNDS)),
  ...(await lockstep(progress, BOOT_ROUNDS)),
  ...(await preCopy(progress)),
].map(judge);
process.stdout.write(values.json ? `${JSON.stringify(figures, null, 2)}\n` : figureTable(figures));
