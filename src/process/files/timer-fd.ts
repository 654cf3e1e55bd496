/**
 * Timers that are files.
 *
 * References:
 * - [timerfd_create(2)], [proc_pid_fdinfo(5)]; TFD_IOC_SET_TICKS, on kernels with CONFIG_CHECKPOINT_RESTORE
 * - [time_namespaces(7)]
 */
import { z } from "zod";
import type { Program } from "../../guest/gate.js";
import { readText } from "../../guest/files.js";
import { field, parseFields, ProcfsError } from "../../guest/procfs.js";
import type { Stub } from "../../guest/stub-session.js";
import { offsetIn } from "../clocks.js";
import type { FileKind } from "./file-kind.js";

/** @see timerFd */
export const timerFdSchema = z.strictObject({
  kind: z.literal("timerfd"),
  /** O_NONBLOCK or none. */
  flags: z.int(),
  /** As of [timerfd_create(2)]. */
  clock: z.int().min(0).max(9),
  /** As of [timerfd_settime(2)]. */
  settimeFlags: z.int(),
  /** When it expires next, in ns of its clock as the process sees it; null if it does not. */
  expiresNs: z.bigint().nullable(),
  /** 0 for once. */
  intervalNs: z.bigint(),
  /** How often it has expired since it was read. */
  ticks: z.bigint(),
});
type TimerFd = z.infer<typeof timerFdSchema>;

/** What the fdinfo of a timer says; the next expiration in ns from now, 0 for none. */
export type TimerState = Pick<TimerFd, "clock" | "settimeFlags" | "intervalNs" | "ticks"> & {
  readonly leftNs: bigint;
};

const CLOCK_REALTIME = 0;
const CLOCK_REALTIME_ALARM = 8;
const CLOCK_BOOTTIME = 7;
const CLOCK_BOOTTIME_ALARM = 9;
const TFD_TIMER_ABSTIME = 1;
const TFD_IOC_SET_TICKS = 0x40085400;
const O_NONBLOCK = 0o4000;
const NS_PER_S = 1_000_000_000n;
/** A timer that expires faster than it can be looked at is set to expire at once. */
const MOST_LOOKS = 10;

/** A timer. */
export const timerFd: FileKind<TimerFd> = {
  kind: "timerfd",
  matches: ({ link }) => link === "anon_inode:[timerfd]",

  *capture(stub, { fd, pid, flags }) {
    const state = yield* readTimer(stub, fd);
    const { clock, settimeFlags, intervalNs, ticks, leftNs } = state;
    const isArmed = leftNs > 0n || (intervalNs > 0n && ticks > 0n);
    const now = (yield* readClock(stub, clock)) + (yield* clockOffset(stub, clock, pid));
    return {
      kind: "timerfd",
      flags: flags & O_NONBLOCK,
      clock,
      settimeFlags,
      expiresNs: isArmed ? now + leftNs : null,
      intervalNs,
      ticks,
    };
  },

  *open(stub, { clock, flags }) {
    return yield* stub.call("timerfd_create", clock, flags);
  },

  // In the process, since the times are those of its namespace.
  *settle(stub, { clock, settimeFlags, expiresNs, intervalNs, ticks }, fd) {
    if (expiresNs !== null) {
      // Only a time of day can be set to another: it then matters what the time was meant by.
      const isOfDay = baseClock(clock) === CLOCK_REALTIME;
      const relative = isOfDay && (settimeFlags & TFD_TIMER_ABSTIME) === 0;
      const from = relative ? yield* readClock(stub, clock) : 0n;
      const value = expiresNs > from ? expiresNs - from : 1n;
      const flags = relative ? settimeFlags : settimeFlags | TFD_TIMER_ABSTIME;
      yield* stub.call("timerfd_settime", fd, flags, timespecs(intervalNs, value), 0);
    }
    if (ticks > 0n) {
      const count = new Uint8Array(BigUint64Array.of(ticks).buffer);
      yield* stub.call("ioctl", fd, TFD_IOC_SET_TICKS, count);
    }
  },
};

/** Parses the fdinfo of a timer. */
export function parseTimer(info: ReadonlyMap<string, readonly string[]>): TimerState {
  const time = (name: string): bigint => {
    const found = /^\((\d+), (\d+)\)$/.exec(field(info, name));
    if (found === null) throw new ProcfsError(`"${name}" of a timer is "${field(info, name)}"`);
    return BigInt(found[1] ?? 0) * NS_PER_S + BigInt(found[2] ?? 0);
  };
  return {
    clock: Number(field(info, "clockid")),
    settimeFlags: parseInt(field(info, "settime flags"), 8),
    leftNs: time("it_value"),
    intervalNs: time("it_interval"),
    ticks: BigInt(field(info, "ticks")),
  };
}

/** A periodic timer that has expired stands still until somebody asks for its time: so that is done first. */
function* readTimer(stub: Stub, fd: number): Program<TimerState> {
  for (let look = 1; ; look++) {
    yield* stub.call("timerfd_gettime", fd, stub.out);
    const state = parseTimer(parseFields(yield* readText(stub, `/proc/self/fdinfo/${fd}`)));
    const stands = state.leftNs === 0n && state.intervalNs > 0n && state.ticks > 0n;
    if (!stands || look === MOST_LOOKS) return state;
  }
}

function baseClock(clock: number): number {
  if (clock === CLOCK_REALTIME_ALARM) return CLOCK_REALTIME;
  return clock === CLOCK_BOOTTIME_ALARM ? CLOCK_BOOTTIME : clock;
}

function* readClock(stub: Stub, clock: number): Program<bigint> {
  yield* stub.call("clock_gettime", baseClock(clock), stub.out);
  const view = stub.view(8);
  return BigInt(view.getInt32(0, true)) * NS_PER_S + BigInt(view.getInt32(4, true));
}

/** By how much the clock of a process is ahead of the stub's. */
function* clockOffset(stub: Stub, clock: number, pid: number): Program<bigint> {
  const base = baseClock(clock);
  if (base === CLOCK_REALTIME) return 0n;
  const offsets = yield* readText(stub, `/proc/${pid}/timens_offsets`);
  return offsetIn(offsets, base === CLOCK_BOOTTIME ? "boottime" : "monotonic");
}

function timespecs(...times: readonly bigint[]): Uint8Array {
  const fields = times.flatMap((ns) => [Number(ns / NS_PER_S), Number(ns % NS_PER_S)]);
  return new Uint8Array(Int32Array.from(fields).buffer);
}
