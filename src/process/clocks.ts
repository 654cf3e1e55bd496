/**
 * What processes take for the time. A process that moves must not see it jump: its monotonic clock goes
 * on where it was, by a time namespace.
 *
 * References:
 * - [time_namespaces(7)], [clock_gettime(2)]
 */
import { readText, writeFile } from "../guest/files.js";
import type { Program } from "../guest/gate.js";
import type { Stub } from "../guest/stub-session.js";
import type { GuestAccess } from "../machine/resident.js";
import type { TreeImage } from "./image.js";

const CLOCK_REALTIME = 0;
const CLOCK_MONOTONIC = 1;
const CLOCK_BOOTTIME = 7;
const CLONE_NEWTIME = 0x80;
const NS_PER_S = 1_000_000_000n;

type Clocks = TreeImage["clocks"];

/** The clocks as a process sees them, each as what it showed when the machine's own clock stood at zero. */
export function* captureClocks(stub: Stub, access: GuestAccess, pid: number): Program<Clocks> {
  const offsets = yield* readText(stub, `/proc/${pid}/timens_offsets`);
  const own = yield* readClocks(stub, access);
  return {
    realtime: own.realtime,
    monotonic: own.monotonic + offsetIn(offsets, "monotonic"),
    boottime: own.boottime + offsetIn(offsets, "boottime"),
  };
}

/** Makes the processes that the stub starts from now on see the clocks of an image go on. */
export function* continueClocks(stub: Stub, access: GuestAccess, image: Clocks): Program<void> {
  const own = yield* readClocks(stub, access);
  yield* stub.call("clock_settime", CLOCK_REALTIME, timespec(image.realtime + nowNs(access)));
  yield* stub.call("unshare", CLONE_NEWTIME);
  const lines = (["monotonic", "boottime"] as const).map((name) => {
    const { seconds, nanoseconds } = split(image[name] - own[name]);
    return `${name} ${seconds} ${nanoseconds}`;
  });
  yield* writeFile(stub, "/proc/self/timens_offsets", `${lines.join("\n")}\n`);
}

function* readClocks(stub: Stub, access: GuestAccess): Program<Clocks> {
  return {
    realtime: yield* readClock(stub, access, CLOCK_REALTIME),
    monotonic: yield* readClock(stub, access, CLOCK_MONOTONIC),
    boottime: yield* readClock(stub, access, CLOCK_BOOTTIME),
  };
}

function* readClock(stub: Stub, access: GuestAccess, clock: number): Program<bigint> {
  yield* stub.call("clock_gettime", clock, stub.out);
  const view = stub.view(8);
  const shown = BigInt(view.getInt32(0, true)) * NS_PER_S + BigInt(view.getInt32(4, true));
  return shown - nowNs(access);
}

function nowNs(access: GuestAccess): bigint {
  return BigInt(Math.round(access.now() * 1e6));
}

/** Seconds rounded down, and what is left. */
function split(ns: bigint): { seconds: bigint; nanoseconds: bigint } {
  const nanoseconds = ((ns % NS_PER_S) + NS_PER_S) % NS_PER_S;
  return { seconds: (ns - nanoseconds) / NS_PER_S, nanoseconds };
}

function timespec(ns: bigint): Uint8Array {
  const { seconds, nanoseconds } = split(ns);
  return new Uint8Array(Int32Array.of(Number(seconds), Number(nanoseconds)).buffer);
}

/** What `/proc/PID/timens_offsets` says of a clock: by how much, in ns, it is ahead for the process. */
export function offsetIn(text: string, clock: string): bigint {
  const found = new RegExp(`^${clock}\\s+(-?\\d+)\\s+(\\d+)`, "m").exec(text);
  if (found === null) return 0n;
  return BigInt(found[1] ?? 0) * NS_PER_S + BigInt(found[2] ?? 0);
}
