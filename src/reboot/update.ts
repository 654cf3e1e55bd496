import { virtualMs } from "../clock/virtual-time.js";
import { eventsForDigest } from "./digest.js";
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
}

/** How long the user looks at a system before and after the update, in ms. */
const SETTLE_MS = 500;

/**
 * Updates a guest by one strategy and reports what happened. An update that fails is rolled back and
 * reported, not thrown.
 *
 * @throws {MachineDied} if the original VM itself died
 */
export async function runUpdate(options: UpdateOptions): Promise<RunReport> {
  const run = await openRun(options);
  try {
    const user = seatUser(run);
    let failure: RunFailure | null = null;
    let kernelBefore = "";
    try {
      kernelBefore = await prepare(run, user);
      await STRATEGIES[options.strategy](run, user);
      await pass(run, SETTLE_MS);
    } catch (error) {
      failure = await rollBack(run, error);
    }
    const kernelAfter = await run.active().attendant.ask("kernel", 10_000);
    const kept = await user.findWork();
    const lost = await user.lostNotes();
    run.event("home-checked", { lost: lost.join(" ") }, run.active());
    run.event("session-checked", { kept }, run.active());
    const report = await summarise(run, options, { failure, kernelBefore, kernelAfter });
    await options.observer?.onEnd?.(run);
    return report;
  } finally {
    await run.dispose();
  }
}

/** The user works, and has the update applied. Resolves to the kernel that runs before it. */
async function prepare(run: Run, user: User): Promise<string> {
  await pass(run, SETTLE_MS);
  const kernel = await run.original.attendant.ask("kernel", 10_000);
  await user.logIn();
  await user.beginWork();
  await user.writeNote("before-update");
  await run.phase("apply-update", { vm: run.original, downtime: false }, () => user.applyUpdate());
  run.event("update-applied", { update: run.guest.update.name }, run.original);
  return kernel;
}

/**
 * Ends what the strategy had begun and makes sure that the original VM goes on.
 *
 * @throws what failed, if the original VM does not answer any more: then nothing can be reported
 */
async function rollBack(run: Run, error: unknown): Promise<RunFailure> {
  const phase = run.currentPhase();
  await run.dropDedicated();
  if (!(await awaitAnswer(run.host, run.probe, 10_000))) throw error;
  const reason = error instanceof Error ? error.message : String(error);
  run.event("rolled-back", { phase });
  return { phase, message: `The update failed in "${phase}": ${reason} The original VM goes on.` };
}

async function summarise(
  run: Run,
  { strategy, guest }: UpdateOptions,
  found: Pick<RunReport, "failure" | "kernelBefore" | "kernelAfter">,
): Promise<RunReport> {
  const { startMs, endMs } = run.probe.longestGap();
  const ram = await run.active().machine.memorySha256();
  return {
    guest: guest.name,
    strategy,
    ...found,
    committed: run.events.some(({ kind }) => kind === "commit"),
    downtime: { virtualMs: virtualMs(endMs - startMs), wallMs: run.wallBetween(startMs, endMs) },
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
