import type { Argv } from "yargs";
import { DEFAULT_HOST, type HostConfig, hostConfigSchema } from "../host/config.js";
import { readRecipe } from "../images/recipe.js";
import type { Selection } from "../process/select.js";
import { APPLY_PLACES } from "../reboot/apply-update.js";
import { isStrategy, STRATEGIES, type StrategyName } from "../reboot/update.js";
import { type Context, UsageError } from "./context.js";

const STRATEGY_NAMES = Object.keys(STRATEGIES);

/** The guest that a command works on. */
export function guestArgument({ guests }: Context) {
  return {
    type: "string",
    choices: guests,
    demandOption: true,
    describe: "which guest",
  } as const;
}

/** Reads `a,b`, or `all`. */
export function parseStrategies(text: string): StrategyName[] {
  if (text === "all") return STRATEGY_NAMES.filter(isStrategy);
  const names = text.split(",").map((name) => name.trim());
  const strategies = names.filter(isStrategy);
  const wrong = names.find((name) => !isStrategy(name));
  if (wrong !== undefined) {
    throw new UsageError(
      `There is no strategy "${wrong}"; the strategies are ${STRATEGY_NAMES.join(", ")}.`,
    );
  }
  if (new Set(strategies).size < strategies.length) {
    throw new UsageError(`"${text}" names a strategy twice.`);
  }
  return strategies;
}

/** Reads what `--keep` names: a process id, a name, or `session:` and the process id of its leader. */
export function parseKeep(names: readonly string[]): Selection[] {
  return names.map((name) => {
    if (/^[1-9]\d{0,6}$/.test(name)) return { by: "pid", pid: Number(name) };
    const session = /^session:([1-9]\d{0,6})$/.exec(name);
    if (session !== null) return { by: "session", session: Number(session[1]) };
    if (name === "" || name.includes(":")) {
      throw new UsageError(
        `--keep "${name}" is neither a process id, nor a name, nor session:<process id>.`,
      );
    }
    return { by: "name", name };
  });
}

/** Adds what `update` and `compare` have in common. */
export function addRunOptions<T>(cli: Argv<T>) {
  return cli
    .option("update", {
      type: "string",
      default: "kernel",
      describe: "which of the guest's updates",
    })
    .option("apply", {
      choices: APPLY_PLACES,
      default: "original" as const,
      describe:
        "where it is applied: in the original VM before the fork, or in the reboot-dedicated VM (shadow)",
    })
    .option("run", {
      type: "string",
      describe: "what the user types in the shell before the update begins, as work ended by &",
    })
    .option("cores", {
      choices: [1, 2, 4] as const,
      default: DEFAULT_HOST.cores,
      describe: "processors of the simulated host",
    })
    .option("policy", {
      choices: hostConfigSchema.shape.policy.options,
      default: DEFAULT_HOST.policy,
      describe:
        "who runs when: both VMs alike, the reboot-dedicated VM while the original one halts, or once it has halted for the preemption interval",
    })
    .option("preemption-interval", {
      type: "number",
      describe: `for --policy idletime, in ms  [default: ${DEFAULT_HOST.preemptionIntervalMs}]`,
    })
    .option("switch-cost", {
      type: "number",
      describe:
        "how much later the original VM goes on when it gets a single processor back, in ms  [default: 0]",
    })
    .option("disk-bandwidth", {
      type: "number",
      describe: "what the host's disk moves, in MB/s  [default: a disk takes no time]",
    })
    .option("disk-latency", {
      type: "number",
      describe: "what a request to that disk costs besides, in ms  [default: 0]",
    })
    .option("json", { type: "boolean", default: false, describe: "print one JSON document" });
}

/** What of the host can be chosen. */
export interface HostOptions extends Pick<HostConfig, "cores" | "policy"> {
  /** In ms. */
  readonly preemptionInterval?: number | undefined;
  /** In ms. */
  readonly switchCost?: number | undefined;
  /** In MB/s. */
  readonly diskBandwidth?: number | undefined;
  /** In ms. */
  readonly diskLatency?: number | undefined;
}

/**
 * The simulated host that the options ask for.
 *
 * @throws {UsageError} if there is no such host
 */
export function hostOf(options: HostOptions): HostConfig {
  const { cores, policy, preemptionInterval, switchCost, diskBandwidth, diskLatency } = options;
  if (preemptionInterval !== undefined && policy !== "idletime") {
    throw new UsageError("--preemption-interval has a meaning only with --policy idletime.");
  }
  if (switchCost !== undefined && cores !== 1) {
    throw new UsageError("--switch-cost has a meaning only with --cores 1.");
  }
  if (diskLatency !== undefined && diskBandwidth === undefined) {
    throw new UsageError("--disk-latency has a meaning only with --disk-bandwidth.");
  }
  const host = {
    ...DEFAULT_HOST,
    cores,
    policy,
    ...(preemptionInterval !== undefined && { preemptionIntervalMs: preemptionInterval }),
    ...(switchCost !== undefined && { costs: { ...DEFAULT_HOST.costs, switchMs: switchCost } }),
    ...(diskBandwidth !== undefined && {
      disk: { bytesPerMs: diskBandwidth * 1000, requestMs: diskLatency ?? 0 },
    }),
  };
  const checked = hostConfigSchema.safeParse(host);
  if (checked.success) return checked.data;
  const wrong = checked.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
  throw new UsageError(`There is no such host: ${wrong.join("; ")}.`);
}

/** More than this does not go into one line of a terminal of Linux, with what is put around it. */
const LONGEST_LINE = 2000;

/**
 * What `--run` asks for, as a part of a request.
 *
 * @throws {UsageError} if it is not a line that can be typed
 */
export function typedBefore(line: string | undefined): { readonly run?: string } {
  if (line === undefined) return {};
  if (line.trim() === "" || /\p{Cc}/u.test(line) || line.length > LONGEST_LINE) {
    throw new UsageError(`--run takes one line of shell, of at most ${LONGEST_LINE} characters.`);
  }
  return { run: line };
}

/** @throws {UsageError} if the guest has no such update */
export async function checkUpdate(guest: string, update: string): Promise<void> {
  const known = Object.keys((await readRecipe(guest)).updates);
  if (known.includes(update)) return;
  throw new UsageError(
    `The guest ${guest} has no update "${update}"; it has ${known.map((name) => `"${name}"`).join(", ")}.`,
  );
}
