/**
 * Timers of a process: the three interval timers, and those of `timer_create`.
 *
 * References:
 * - [getitimer(2)], [timer_create(2)], [timer_gettime(2)]; [proc_pid_timers(5)]
 * - [sigevent(7)], layout by include/uapi/asm-generic/siginfo.h
 * - [prctl(2)] PR_TIMER_CREATE_RESTORE_IDS (since Linux 6.15)
 */
import { z } from "zod";
import { SystemCallFailed } from "../guest/errno.js";
import { readText } from "../guest/files.js";
import type { Program } from "../guest/gate.js";
import type { Inside } from "../guest/inside.js";
import { ProcfsError } from "../guest/procfs.js";
import { ANSWER, type Questions } from "../guest/questions.js";
import type { Stub } from "../guest/stub-session.js";
import { bytes } from "./bytes-schema.js";
import { CannotCarry } from "./files/file-kind.js";

/** @see PosixTimer */
export const posixTimerSchema = z.strictObject({
  id: z.int().min(0),
  clock: z.int32(),
  signal: z.int().min(0).max(64),
  /** `sigev_value`: 32 bits. */
  value: z.int().min(0),
  /** `sigev_notify`, without the bit that names a thread. */
  notify: z.int().min(0).max(2),
  /** The thread that is told; null if it is the process. */
  thread: z.int().min(1).nullable(),
  /** `struct itimerspec`: the interval, and the time until it expires next. */
  time: bytes,
});

/** A timer that a process has made by [timer_create(2)]. */
export type PosixTimer = Readonly<z.infer<typeof posixTimerSchema>>;

const ITIMERVAL_BYTES = 16;
const ITIMERSPEC_BYTES = 16;
const SIGEVENT_BYTES = 64;
const NOTIFICATIONS = ["signal", "none", "thread"];
const SIGEV_THREAD_ID = 4;
const PR_TIMER_CREATE_RESTORE_IDS = 77;
/** Where a kernel gives the numbers itself, so many timers are made at most to come to the one that is wanted. */
const MOST_NUMBERS = 10_000;

/** Asks a stopped process for the `struct itimerval` of its real, virtual and profiling timer. */
export function askIntervalTimers(questions: Questions): () => Uint8Array[] {
  const answers = [0, 1, 2].map((which) => questions.ask("getitimer", which, ANSWER));
  return () => answers.map((answer) => answer().result.slice(0, ITIMERVAL_BYTES));
}

/** Asks a stopped process when its timers expire, ascending by number. */
export function* askPosixTimers(
  stub: Stub,
  pid: number,
  questions: Questions,
): Program<() => PosixTimer[]> {
  const timers = parseTimers(yield* readText(stub, `/proc/${pid}/timers`))
    .sort((a, b) => a.id - b.id)
    .map((timer) => ({ timer, time: questions.ask("timer_gettime", timer.id, ANSWER) }));
  return () =>
    timers.map(({ timer, time }) => ({ ...timer, time: time().result.slice(0, ITIMERSPEC_BYTES) }));
}

/**
 * Parses `/proc/PID/timers`.
 *
 * @throws {ProcfsError}
 */
export function parseTimers(text: string): Omit<PosixTimer, "time">[] {
  return text
    .split(/^(?=ID:)/m)
    .filter((part) => part !== "")
    .map((part) => {
      const found =
        /^ID: (\d+)\nsignal: (\d+)\/([0-9a-f]+)\nnotify: (\w+)\/(pid|tid)\.(\d+)\nClockID: (-?\d+)\n/.exec(
          part,
        );
      const notify = NOTIFICATIONS.indexOf(found?.[4] ?? "");
      if (found === null || notify < 0) throw new ProcfsError(`no timer: "${part}"`);
      const [, id, signal, value = "", , whose, who, clock] = found;
      return {
        id: Number(id),
        clock: Number(clock),
        signal: Number(signal),
        value: parseInt(value, 16),
        notify,
        thread: whose === "tid" ? Number(who) : null,
      };
    });
}

/**
 * Makes the timers of a process with their numbers, not yet armed, in the process; its threads are there.
 *
 * @throws {CannotCarry} if a number cannot be had
 */
export function* makePosixTimers(stub: Stub, timers: readonly PosixTimer[]): Program<void> {
  if (timers.length === 0) return;
  const choose = (on: number): Program<number> =>
    stub.attempt("prctl", PR_TIMER_CREATE_RESTORE_IDS, on, 0, 0, 0);
  const chosen = (yield* choose(1)) === 0;
  for (const timer of timers) {
    for (let tries = 0; ; tries++) {
      const id = yield* makeTimer(stub, timer);
      if (id === timer.id) break;
      // Numbers ascend: this one will not come any more.
      if (chosen || id > timer.id || tries >= MOST_NUMBERS) {
        throw new CannotCarry(`this kernel does not give a timer the number ${timer.id}`);
      }
      yield* stub.call("timer_delete", id);
    }
  }
  if (chosen) yield* choose(0);
}

function* makeTimer(
  stub: Stub,
  { id, clock, signal, value, notify, thread }: PosixTimer,
): Program<number> {
  const event = new DataView(new ArrayBuffer(SIGEVENT_BYTES));
  event.setUint32(0, value, true);
  event.setInt32(4, signal, true);
  event.setInt32(8, notify | (thread === null ? 0 : SIGEV_THREAD_ID), true);
  event.setInt32(12, thread ?? 0, true);
  // The number is read from there, if it can be chosen, and put there.
  stub.memory.write(stub.out, new Uint8Array(Int32Array.of(id).buffer));
  const made = yield* stub.attempt("timer_create", clock, new Uint8Array(event.buffer), stub.out);
  if (made < 0) throw new SystemCallFailed(`timer_create for the timer ${id}`, -made);
  return stub.view(4).getInt32(0, true);
}

/** Sets the timers of a process that is about to go on. */
export function* armTimers(
  inside: Inside,
  intervalTimers: readonly Uint8Array[],
  posixTimers: readonly PosixTimer[],
): Program<void> {
  for (const [which, value] of intervalTimers.entries()) {
    if (value.some((byte) => byte !== 0)) yield* inside.call("setitimer", which, value, 0);
  }
  for (const { id, time } of posixTimers) {
    if (time.some((byte) => byte !== 0)) yield* inside.call("timer_settime", id, 0, time, 0);
  }
}
