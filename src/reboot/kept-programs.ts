import type { StubLink } from "./stub-link.js";
import type { ProcessSummary, Selection } from "../process/select.js";
import { describeObstacle, type Obstacle } from "../process/survey.js";
import { UpdateFailed } from "./errors.js";
import type { Run } from "./run.js";
import { ANSWER_LIMIT_MS } from "./limits.js";

/** Programs that are to live through the update. */
export interface KeptPrograms {
  /** Empty if there are none. */
  readonly selections: readonly Selection[];
  /** Process id of the leader of the session on the console, if that is kept. */
  readonly leader: number | null;
}

/** How long a look at all programs may take, in ms. */
const SURVEY_LIMIT_MS = 30_000;

/** Device number of the console, as [proc_pid_stat(5)] gives it. */
const CONSOLE_TERMINAL = (4 << 8) | 64;

/**
 * Finds the programs that the user wants to keep: those that were named, or else the session on the
 * console and the guest's services. Nothing is stopped.
 *
 * @throws {UpdateFailed} naming what cannot be carried, unless that may stay behind
 */
export async function chooseKept(run: Run, stub: StubLink): Promise<KeptPrograms> {
  const session = consoleLeader(await stub.ask("list", null, ANSWER_LIMIT_MS))?.pid ?? null;
  const wanted = run.keep ?? usersOwn(session, run.guest.services);
  const obstacles = await stub.ask("survey", wanted, SURVEY_LIMIT_MS);
  return await withoutObstacles(run, stub, { selections: wanted, leader: session }, obstacles);
}

/**
 * Takes programs that cannot go along out of those that are kept.
 *
 * @param stub that of the VM in which they run
 * @throws {UpdateFailed} naming what cannot be carried, unless that may stay behind
 */
export async function withoutObstacles(
  run: Run,
  stub: StubLink,
  kept: KeptPrograms,
  obstacles: readonly Obstacle[],
): Promise<KeptPrograms> {
  if (obstacles.length === 0) return kept;
  const told = obstacles.map(describeObstacle).join("; ");
  if (!run.drop) {
    throw new UpdateFailed(
      `what runs cannot go along: ${told}. --drop leaves such programs behind.`,
    );
  }
  run.event("left-behind", { programs: told }, run.original);
  const dropped = new Set(obstacles.map(({ pid }) => pid));
  const excluded = [...dropped].map((pid) => ({ by: "exclusion", pid }) as const);
  const selections = [...kept.selections, ...excluded];
  const left = await stub.ask("select", selections, SURVEY_LIMIT_MS);
  const leads = left.some(({ pid }) => pid === kept.leader);
  return { selections: left.length === 0 ? [] : selections, leader: leads ? kept.leader : null };
}

function usersOwn(session: number | null, services: readonly string[]): Selection[] {
  return [
    ...(session === null ? [] : [{ by: "session", session } as const]),
    ...services.map((name) => ({ by: "name", name }) as const),
  ];
}

/** The leader of the session on the console, if a user is logged in there. */
function consoleLeader(processes: readonly ProcessSummary[]): ProcessSummary | null {
  const leader = processes.find(
    ({ pid, session, terminal }) => pid === session && terminal === CONSOLE_TERMINAL,
  );
  // A login that waits is no session of a user.
  return leader === undefined || ["getty", "agetty"].includes(leader.name) ? null : leader;
}
