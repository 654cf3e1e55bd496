import { expect, test } from "vitest";
import { SystemCallFailed } from "../../../src/guest/errno.js";
import type { Program } from "../../../src/guest/gate.js";
import type { Argument, Stub } from "../../../src/guest/stub-session.js";
import { peekQueues } from "../../../src/process/files/pseudo-terminal-queues.js";
import { outcomeOf } from "../../carry-over/proc-stub.js";

const TCSETS = 0x5402;
const TIOCPKT = 0x5420;
const FIONREAD = 0x541b;
const EIO = 5;
const MASTER = 3;
const TERMINAL = 4;

/** A pseudo-terminal in packet mode with bytes in both queues; looking how much is in one fails the given time. */
function pseudoTerminal(failing: number) {
  const termios = Uint8Array.from({ length: 36 }, (_, index) => index);
  const state = {
    input: [1, 2, 3],
    output: [4, 5],
    termios: Array.from(termios),
    packets: 1,
    open: 0,
  };
  let result = new Uint8Array(4);
  let looked = 0;

  function ioctl(fd: number, request: number, value: Argument | undefined): number {
    if (request === FIONREAD) {
      if (++looked === failing) throw new SystemCallFailed("ioctl(FIONREAD)", EIO);
      const { length } = fd === MASTER ? state.output : state.input;
      result = new Uint8Array(Int32Array.of(length).buffer);
    }
    if (value instanceof Uint8Array && request === TCSETS) state.termios = Array.from(value);
    if (value instanceof Uint8Array && request === TIOCPKT) state.packets = value[0] ?? 0;
    return 0;
  }
  function make(name: string, [first, second, third]: readonly Argument[]): number {
    if (name === "open") {
      state.open++;
      return TERMINAL;
    }
    if (name === "close") state.open--;
    if (name === "ioctl") return ioctl(Number(first), Number(second), third);
    if (name === "read") {
      // One byte at a time: what was read before a failure is not all.
      result = Uint8Array.from((first === MASTER ? state.output : state.input).splice(0, 1));
      return result.length;
    }
    if (name === "write" && second instanceof Uint8Array) {
      (first === MASTER ? state.input : state.output).push(...second);
      return second.length;
    }
    return 0;
  }
  function* call(name: string, ...args: readonly Argument[]): Program<number> {
    return make(name, args);
  }
  const results = (length: number): Uint8Array => result.slice(0, length);
  const view = (length: number): DataView => new DataView(results(length).buffer);
  // What queues are looked into with takes no more of a stub.
  const stub = { out: 0, call, attempt: call, results, view } as unknown as Stub;
  const ends = { master: MASTER, index: 0, packets: true, inUse: true, termios };
  return { state, looked: () => looked, peek: () => outcomeOf(peekQueues(stub, ends)) };
}

test("what is queued is copied and stays, and whatever look fails, everything is put back", () => {
  const whole = pseudoTerminal(Infinity);
  const before = structuredClone(whole.state);
  expect(whole.peek()).toEqual({ input: Uint8Array.of(1, 2, 3), output: Uint8Array.of(4, 5) });
  expect({ ...whole.state, input: [], output: [] }).toEqual({ ...before, input: [], output: [] });
  for (let failing = 1; failing <= whole.looked(); failing++) {
    const { state, peek } = pseudoTerminal(failing);
    expect(peek, `look ${failing}`).toThrow(SystemCallFailed);
    expect({ ...state, input: [], output: [] }).toEqual({ ...before, input: [], output: [] });
    // What was taken comes behind what was not.
    expect(state.input.toSorted(), `look ${failing}`).toEqual(before.input);
    expect(state.output.toSorted(), `look ${failing}`).toEqual(before.output);
  }
});
