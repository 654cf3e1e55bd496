import { expect, test } from "vitest";
import { SystemCallFailed } from "../../src/guest/errno.js";
import type { Program } from "../../src/guest/gate.js";
import { getSeccompFilter, peekSignals, SIGINFO_BYTES, signalOf } from "../../src/guest/ptrace.js";
import type { Argument, Stub } from "../../src/guest/stub-session.js";
import { outcomeOf } from "../carry-over/proc-stub.js";

const EACCES = 13;
const ENOENT = 2;

/** A stub whose ptrace does this with what is passed by address, and leaves bytes as its result. */
function stubThatTraces(
  ptrace: (data: Uint8Array) => { result: number; bytes?: Uint8Array },
): Stub {
  let last = new Uint8Array();
  function* call(_: string, ...args: readonly Argument[]): Program<number> {
    const data = args.find((argument) => argument instanceof Uint8Array);
    const { result, bytes = new Uint8Array() } = ptrace(data ?? new Uint8Array());
    last = Uint8Array.from(bytes);
    return result;
  }
  const results = (length: number): Uint8Array => last.slice(0, length);
  // To ask ptrace takes no more of a stub.
  return { out: 0, call, attempt: call, results } as unknown as Stub;
}

/** A task for which so many signals wait, each with another number. */
function stubWithSignals(waiting: number): Stub {
  return stubThatTraces((data) => {
    const args = new DataView(data.buffer);
    const from = Number(args.getBigUint64(0, true));
    const count = Math.min(args.getInt32(12, true), waiting - from);
    const bytes = new Uint8Array(count * SIGINFO_BYTES);
    const view = new DataView(bytes.buffer);
    for (let at = 0; at < count; at++) view.setInt32(at * SIGINFO_BYTES, from + at, true);
    return { result: count, bytes };
  });
}

test.each([0, 1, 255, 256, 257, 700])("%i signals that wait are all seen", (waiting) => {
  const signals = outcomeOf(peekSignals(stubWithSignals(waiting), 7, true));
  expect(signals.map(signalOf)).toEqual(Array.from({ length: waiting }, (_, index) => index));
  expect(signals.every(({ length }) => length === SIGINFO_BYTES)).toBe(true);
});

test("signals without an end are not read to it", () => {
  expect(() => outcomeOf(peekSignals(stubWithSignals(Infinity), 7, true))).toThrow(
    /more than 65536 signals wait for the task 7/,
  );
});

test("there is no filter of system calls only if the kernel says so", () => {
  const failing = (errno: number) => stubThatTraces(() => ({ result: -errno }));
  expect(outcomeOf(getSeccompFilter(failing(ENOENT), 7, 1))).toBeNull();
  expect(() => outcomeOf(getSeccompFilter(failing(EACCES), 7, 1))).toThrow(SystemCallFailed);
});
