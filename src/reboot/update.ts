import { virtualMs } from "../clock/virtual-time.js";
import { checkpointReboot } from "./checkpoint-reboot.js";
import { PlanMade } from "./carry-over.js";
import { eventsForDigest } from "./digest.js";
import { DoesNotApply, NotUndone, SilentAfterCommit } from "./errors.js";
import { kexec } from "./kexec.js";
import { phaseReuse } from "./phase-reuse.js";
import { plainReboot } from "./plain-reboot.js";
import { awaitAnswer } from "./probe.js";
import type { RunFailure, RunReport } from "./report.js";
import { openRun, pass, type Run, type RunOptions } from "./run.js";
import { shadow } from "./shadow.js";
import { shadowTransplant } from "./shadow-transplant.js";
import { seatUser, type User } from "./user.js";

/** Ways to bring a guest into its updated system, by name. */
export const STRATEGIES = {
  reboot: plainReboot,
  kexec,
  "checkpoint-reboot": checkpointReboot,
  "phase-reuse": phaseReuse,
  shadow,
  "shadow-transplant": shadowTransplant,
} satisfies Record<string, (run: Run, user: User) => Promise<void>>;

/** Name of a strategy. */
export type StrategyName = keyof typeof STRATEGIES;

/** Whether there is a strategy of this name. */
export function isStrategy(name: string): name is StrategyName {
  return Object.hasOwn(STRATEGIES, name);
}

/** What is updated, and how. */
export interface UpdateOptions extends RunOptions {
  readonly strategy: StrategyName;
  /** A line of shell that the user types before the update begins; none, if that is not said. */
  readonly userWork?: string;
}

/** Strategies that reboot a fork: only these have another place than the original VM to apply an update in. */
const FORKING: ReadonlySet<StrategyName> = new Set(["shadow", "shadow-transplant"]);

/** Whether a strategy reboots a fork of the original VM. */
export function forks(strategy: StrategyName): boolean {
  return FORKING.has(strategy);
}

/** Strategies that carry running programs: only these can be told which. */
const CARRYING: ReadonlySet<StrategyName> = new Set(["checkpoint-reboot", "shadow-transplant"]);

/** Whether the user's programs go on after an update by a strategy. */
export function carries(strategy: StrategyName): boolean {
  return CARRYING.has(strategy);
}

/** How long the user looks at a system before and after the update, in ms. */
const SETTLE_MS = 500;

/**
 * Updates a guest by one strategy and reports what happened. An update that fails is reported, not
 * thrown, and rolled back where there is a way back.
 *
 * @throws {RangeError} if the update is to be applied in a fork, and the strategy makes none
 * @throws {MachineDied} if the original VM itself died
 * @throws what failed, if the original VM does not answer although nothing was done to it
 * @throws {DoesNotApply} if the strategy cannot bring this update into effect on this guest
 */
export async function runUpdate(options: UpdateOptions): Promise<RunReport> {
  if (options.applyIn === "shadow" && !forks(options.strategy)) {
    throw new RangeError(`${options.strategy} makes no fork that an update could be applied in`);
  }
  const run = await openRun(options);
  try {
    const user = seatUser(run);
    let failure: RunFailure | null = null;
    let kernelBefore = "";
    try {
      kernelBefore = await prepare(run, user, options.userWork);
      await STRATEGIES[options.strategy](run, user);
      await pass(run, SETTLE_MS);
    } catch (error) {
      if (error instanceof DoesNotApply) throw error;
      if (error instanceof PlanMade) await run.dropDedicated();
      else failure = await rollBack(run, error);
    }
    const found = failure?.silent === true ? NOTHING_FOUND : await lookAround(run, user);
    const report = await summarise(run, options, { failure, kernelBefore, ...found });
    await options.observer?.onEnd?.(run);
    return report;
  } finally {
    await run.dispose();
  }
}

/** What the user has after an update. */
type Found = Pick<RunReport, "kernelAfter" | "hasShell" | "programs" | "heartbeat">;

const NOTHING_FOUND: Found = {
  kernelAfter: "unknown",
  hasShell: false,
  programs: [],
  heartbeat: null,
};

/** Looks what the user has afterwards. */
async function lookAround(run: Run, user: User): Promise<Found> {
  const kernelAfter = await run.active().attendant.ask("kernel", 10_000);
  if (!(await user.hasShell())) {
    run.event("no-shell", undefined, run.active());
    return { ...NOTHING_FOUND, kernelAfter };
  }
  const heartbeat = await user.programs.heartbeat();
  if (heartbeat !== null) run.event("heartbeat", { ...heartbeat }, run.active());
  const lost = await user.lostNotes();
  run.event("home-checked", { lost: lost.join(" ") }, run.active());
  const lostFiles = await user.lostNotes("/root");
  run.event("files-checked", { lost: lostFiles.join(" ") }, run.active());
  const programs = await user.programs.check();
  const survived = programs.flatMap((program) => (program.survived ? [program.name] : []));
  const kept = survived.length === programs.length;
  run.event("session-checked", { kept, survived: survived.join(" ") }, run.active());
  return { kernelAfter, hasShell: true, programs, heartbeat };
}

/** The user works, and has the update applied. Resolves to the kernel that runs before it. */
async function prepare(run: Run, user: User, work?: string): Promise<string> {
  await pass(run, SETTLE_MS);
  const kernel = await run.original.attendant.ask("kernel", 10_000);
  await user.logIn();
  await user.programs.start();
  if (work !== undefined) await user.work(work);
  await user.writeNote("before-update");
  if (run.applyIn === "original") {
    await run.phase("apply-update", { vm: run.original, downtime: false }, () =>
      user.applyUpdate(),
    );
    run.event("update-applied", { update: run.guest.update.name }, run.original);
  }
  return kernel;
}

/**
 * Ends what the strategy had begun, and sees what is left: the original VM, or what came of it.
 *
 * @throws what failed, if the original VM does not answer although nothing was done to it
 */
async function rollBack(run: Run, error: unknown): Promise<RunFailure> {
  const phase = run.currentPhase();
  const isCommitted = run.events.some(({ kind }) => kind === "commit");
  const reason = (error instanceof Error ? error.message : String(error)) + starvation(run);
  if (isCommitted || error instanceof SilentAfterCommit) {
    run.event("silent", { phase }, run.active());
    const message = `The update was committed, but then this failed in "${phase}": ${reason}.`;
    return { phase, message, rolledBack: false, silent: true };
  }
  await run.dropDedicated();
  const silent = !(await awaitAnswer(run.host, run.probe, 10_000));
  const failed = `The update failed in "${phase}": ${reason}`;
  if (run.events.some(({ kind }) => kind === "goes-down")) {
    run.event(silent ? "silent" : "not-rolled-back", { phase }, run.original);
    const left = silent ? "does not answer any more" : "goes on as it came up";
    const message = `${failed} There is no way back from a reboot in place: the guest ${left}.`;
    return { phase, message, rolledBack: false, silent };
  }
  if (silent) throw error;
  if (error instanceof NotUndone) {
    run.event("not-rolled-back", { phase }, run.original);
    const message =
      `${failed} The original VM answers, but it could not be put back as it was: its programs may stand still or ` +
      "have their signals blocked, and its disks may refuse to be written to.";
    return { phase, message, rolledBack: false, silent };
  }
  run.event("rolled-back", { phase });
  const message = `${failed} The original VM goes on.`;
  return { phase, message, rolledBack: true, silent };
}

/** How many times as long as it ran a machine must have waited to be called starved. */
const STARVED = 8;

/** Says, as a further sentence, that the host has starved the reboot-dedicated VM; nothing if it has not. */
function starvation(run: Run): string {
  const vm = run.dedicated();
  if (vm === null) return "";
  const { ranMs, waitedMs } = run.host.usage(vm.machine);
  if (waitedMs <= ranMs * STARVED) return "";
  const { policy } = run.host.config;
  return (
    ` The reboot-dedicated VM had got ${ranMs.toFixed(0)} ms of processor time by the policy ${policy}, and ` +
    `waited ${waitedMs.toFixed(0)} ms: choose another policy, or a shorter preemption interval.`
  );
}

async function summarise(
  run: Run,
  { strategy, guest }: UpdateOptions,
  found: Found & Pick<RunReport, "failure" | "kernelBefore">,
): Promise<RunReport> {
  const { startMs, endMs } = run.probe.longestGap();
  const ram = await run.active().machine.memorySha256();
  return {
    guest: guest.name,
    strategy,
    ...found,
    committed: run.events.some(({ kind }) => kind === "commit"),
    downtime: { virtualMs: virtualMs(endMs - startMs), wallMs: run.wallBetween(startMs, endMs) },
    background: run.background,
    files: run.files.decisions(),
    phases: run.phases,
    events: run.events,
    consoles: run.consoles,
    probe: run.probe.answers(),
    digest: await digest(ram, run.events),
  };
}

async function digest(ramSha256: string, events: RunReport["events"]): Promise<string> {
  const text = eventsForDigest(events);
  const bytes = new Uint8Array(ramSha256.length + text.length);
  bytes.set(new TextEncoder().encode(ramSha256));
  bytes.set(text, ramSha256.length);
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
