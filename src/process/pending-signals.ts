/**
 * Signals that wait for a process, or for one of its threads.
 *
 * References:
 * - [rt_sigqueueinfo(2)], [rt_sigtimedwait(2)]
 */
import { errnoOf } from "../guest/errno.js";
import type { Program } from "../guest/gate.js";
import type { Inside } from "../guest/inside.js";
import { peekSignals, signalOf } from "../guest/ptrace.js";
import { signalSet } from "../guest/signals.js";
import type { Stub } from "../guest/stub-session.js";

/** More than a thread can have waiting: what is not to be taken for a loop without an end. */
const MOST_SIGNALS = 100_000;
const NO_TIME = new Uint8Array(8);

/** Takes away what came while a stopped thread was a stub: calls to wake it, and the ends of its children. */
export function* dropSignals(stub: Stub, inside: Inside, tid: number): Program<void> {
  const own = yield* peekSignals(stub, tid, false);
  const shared = yield* peekSignals(stub, tid, true);
  if (own.length + shared.length === 0) return;
  for (let taken = 0; taken < MOST_SIGNALS; taken++) {
    const signal = yield* inside.attempt("rt_sigtimedwait", signalSet("all"), 0, NO_TIME, 8);
    if (errnoOf(signal) !== null) return;
  }
}

/** Sends signals, each a `siginfo_t`, to the thread `tid`, or if that is null to the process, which sends them. */
export function* queueSignals(
  inside: Inside,
  pid: number,
  tid: number | null,
  pending: readonly Uint8Array[],
): Program<void> {
  for (const info of pending) {
    const signal = signalOf(info);
    if (tid === null) yield* inside.call("rt_sigqueueinfo", pid, signal, info);
    else yield* inside.call("rt_tgsigqueueinfo", pid, tid, signal, info);
  }
}
