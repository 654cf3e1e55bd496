/**
 * Small settings of processes and threads.
 *
 * References:
 * - [prctl(2)], [personality(2)], [membarrier(2)]; [core(5)] for which memory goes into a core dump
 */
import { z } from "zod";
import { readText, writeFile } from "../guest/files.js";
import type { Program } from "../guest/gate.js";
import type { Inside } from "../guest/inside.js";
import { type Answer, ANSWER, type Questions } from "../guest/questions.js";
import { LAST_SIGNAL } from "../guest/signals.js";
import type { Stub } from "../guest/stub-session.js";

/** Commands of [membarrier(2)]: the second makes a barrier, if the first has registered the process for it. */
const BARRIERS = [
  { register: 16, make: 8 },
  { register: 64, make: 32 },
  { register: 256, make: 128 },
] as const;

/** @see ProcessFlags */
export const processFlagsSchema = z.strictObject({
  /** Whether it may be traced and dumped by its own user. */
  dumpable: z.boolean(),
  /** Whether it becomes the parent of orphans among its descendants. */
  subreaper: z.boolean(),
  hugePagesDisabled: z.boolean(),
  /** Kinds of memory that go into a core dump, a bit each. */
  coreDumpFilter: z.uint32(),
  /** Kinds of memory barriers that it has registered for, each by the command that does it; absent if none. */
  barriers: z
    .array(z.union(BARRIERS.map(({ register }) => z.literal(register))))
    .max(BARRIERS.length)
    .exactOptional(),
});

/** Settings of a process. */
export type ProcessFlags = Readonly<z.infer<typeof processFlagsSchema>>;

/** @see ThreadFlags */
export const threadFlagsSchema = z.strictObject({
  /** Signal it gets when its parent ends; 0 for none. */
  deathSignal: z.int().min(0).max(LAST_SIGNAL),
  /** How much later than asked for it may be woken. */
  timerSlackNs: z.int().min(0),
  /** ADDR_NO_RANDOMIZE and the others of [personality(2)]. */
  personality: z.uint32(),
});

/** Settings of a thread. */
export type ThreadFlags = Readonly<z.infer<typeof threadFlagsSchema>>;

const PR_SET_PDEATHSIG = 1;
const PR_GET_PDEATHSIG = 2;
const PR_GET_DUMPABLE = 3;
const PR_SET_DUMPABLE = 4;
const PR_SET_TIMERSLACK = 29;
const PR_GET_TIMERSLACK = 30;
const PR_SET_CHILD_SUBREAPER = 36;
const PR_GET_CHILD_SUBREAPER = 37;
const PR_SET_THP_DISABLE = 41;
const PR_GET_THP_DISABLE = 42;
const SUID_DUMP_USER = 1;
const ASK_PERSONALITY = -1;

/** Asks a stopped process for its settings, through its first thread. */
export function* askProcessFlags(
  stub: Stub,
  pid: number,
  questions: Questions,
): Program<() => ProcessFlags> {
  const dumpable = questions.ask("prctl", PR_GET_DUMPABLE, 0, 0, 0, 0);
  const hugePages = questions.ask("prctl", PR_GET_THP_DISABLE, 0, 0, 0, 0);
  const subreaper = questions.ask("prctl", PR_GET_CHILD_SUBREAPER, ANSWER, 0, 0, 0);
  const barriers = BARRIERS.map(({ register, make }) => {
    return { register, made: questions.ask("membarrier", make, 0, 0) };
  });
  const filter = yield* readText(stub, `/proc/${pid}/coredump_filter`);
  return () => ({
    ...registered(barriers.flatMap(({ register, made }) => (made().value === 0 ? [register] : []))),
    // A process that only root may dump is one that its user may not dump.
    dumpable: dumpable().value === SUID_DUMP_USER,
    subreaper: resultOf(subreaper()) !== 0,
    hugePagesDisabled: hugePages().value !== 0,
    // A process that is ending has none.
    coreDumpFilter: filter.trim() === "" ? 0 : parseInt(filter, 16),
  });
}

function registered(
  barriers: NonNullable<ProcessFlags["barriers"]>,
): Pick<ProcessFlags, "barriers"> {
  return barriers.length === 0 ? {} : { barriers };
}

/** Gives a stopped process its settings; a change of user would undo some of them. */
export function* restoreProcessFlags(
  stub: Stub,
  inside: Inside,
  pid: number,
  { dumpable, subreaper, hugePagesDisabled, coreDumpFilter, barriers = [] }: ProcessFlags,
): Program<void> {
  if (subreaper) yield* inside.call("prctl", PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  if (hugePagesDisabled) yield* inside.call("prctl", PR_SET_THP_DISABLE, 1, 0, 0, 0);
  for (const register of barriers) yield* inside.call("membarrier", register, 0, 0);
  yield* inside.call("prctl", PR_SET_DUMPABLE, dumpable ? 1 : 0, 0, 0, 0);
  yield* writeFile(stub, `/proc/${pid}/coredump_filter`, `0x${coreDumpFilter.toString(16)}`);
}

/** Asks a stopped thread for its settings. */
export function askThreadFlags(questions: Questions): () => ThreadFlags {
  const deathSignal = questions.ask("prctl", PR_GET_PDEATHSIG, ANSWER, 0, 0, 0);
  const timerSlack = questions.ask("prctl", PR_GET_TIMERSLACK, 0, 0, 0, 0);
  const personality = questions.ask("personality", ASK_PERSONALITY);
  return () => ({
    deathSignal: resultOf(deathSignal()),
    timerSlackNs: timerSlack().value,
    personality: personality().value >>> 0,
  });
}

/** Gives a thread those of its settings that nothing undoes; the stub in it does that. */
export function* restoreThreadFlags(
  stub: Stub,
  { timerSlackNs, personality }: ThreadFlags,
): Program<void> {
  yield* stub.call("prctl", PR_SET_TIMERSLACK, timerSlackNs, 0, 0, 0);
  yield* stub.call("personality", personality);
}

/** Gives a stopped thread the signal that it is to get at its parent's end: until then it ended with the stub. */
export function* restoreDeathSignal(inside: Inside, { deathSignal }: ThreadFlags): Program<void> {
  yield* inside.call("prctl", PR_SET_PDEATHSIG, deathSignal, 0, 0, 0);
}

/** The number that a call has put at ANSWER. */
function resultOf({ result }: Answer): number {
  return new DataView(result.buffer).getInt32(0, true);
}
