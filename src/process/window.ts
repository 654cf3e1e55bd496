import type { Program } from "../guest/gate.js";
import { PAGE_BYTES } from "../guest/page-tables.js";
import type { MapsLine } from "../guest/procfs.js";
import type { Registers } from "../guest/ptrace.js";
import type { Stub } from "../guest/stub-session.js";
import type { Window } from "./capture-thread.js";
import { CannotCarry } from "./files/file-kind.js";

/** Room that results of a call may take, in bytes. */
const WINDOW_BYTES = 128;

/**
 * Lets calls that are made inside of a stopped process put their results into its memory, which is as it
 * was afterwards.
 *
 * @param mem `/proc/PID/mem` of the process
 * @param address from `windowAddress`
 */
export function* throughWindow<T>(
  stub: Stub,
  mem: number,
  address: number,
  work: (window: Window) => Program<T>,
): Program<T> {
  function* read(length: number): Program<Uint8Array> {
    const got = yield* stub.call("pread64", mem, stub.out, length, address, 0);
    return stub.results(got);
  }
  const covered = yield* read(WINDOW_BYTES);
  try {
    return yield* work({ address, read });
  } finally {
    yield* stub.call("pwrite64", mem, covered, covered.length, address, 0);
  }
}

/** Where a process has memory that it can write to and shares with nobody: its stack, if it has one. */
export function windowAddress(maps: readonly MapsLine[], { esp }: Registers, pid: number): number {
  const top = esp >>> 0;
  const own = maps.filter(({ write, shared }) => write && !shared);
  const stack = own.find(({ start, end }) => start <= top && top < end);
  if (stack !== undefined) return top - (top % PAGE_BYTES);
  const [first] = own;
  if (first === undefined) throw new CannotCarry(`process ${pid} has no memory to write to`);
  return first.start;
}
