import type { Argv } from "yargs";
import { DEFAULT_HOST, type HostConfig } from "../host/config.js";
import { readRecipe } from "../images/recipe.js";
import type { Selection } from "../process/select.js";
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
      `There is no strategy "${wrong}"; the strategies are ${STRATEGY_NAMES.join(" and ")}.`,
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
    .option("cores", {
      choices: [1, 2, 4] as const,
      default: DEFAULT_HOST.cores,
      describe: "processors of the simulated host",
    })
    .option("policy", {
      choices: ["fair", "background-idle"] as const,
      default: DEFAULT_HOST.policy,
      describe:
        "who runs when: both VMs alike, or the reboot-dedicated VM while the original one halts",
    })
    .option("json", { type: "boolean", default: false, describe: "print one JSON document" });
}

/** The simulated host that the options ask for. */
export function hostOf({ cores, policy }: Pick<HostConfig, "cores" | "policy">): HostConfig {
  return { ...DEFAULT_HOST, cores, policy };
}

/** @throws {UsageError} if the guest has no such update */
export async function checkUpdate(guest: string, update: string): Promise<void> {
  const known = Object.keys((await readRecipe(guest)).updates);
  if (known.includes(update)) return;
  throw new UsageError(
    `The guest ${guest} has no update "${update}"; it has ${known.map((name) => `"${name}"`).join(", ")}.`,
  );
}
