/**
 * How a thread shares processors and disks with others.
 *
 * References:
 * - [sched_setattr(2)] `struct sched_attr`, its first 48 bytes; [sched(7)], [sched_setaffinity(2)], [ioprio_set(2)]
 */
import { z } from "zod";
import { bytes } from "./bytes-schema.js";
import type { Program } from "../guest/gate.js";
import type { Stub } from "../guest/stub-session.js";

const nanoseconds = z
  .bigint()
  .min(0n)
  .max(2n ** 64n - 1n);

/** @see Scheduling */
export const schedulingSchema = z.strictObject({
  /** SCHED_OTHER 0, SCHED_FIFO 1, and so on. */
  policy: z.int().min(0),
  /** SCHED_FLAG_RESET_ON_FORK 1, and the others of [sched_setattr(2)]. */
  flags: z.bigint().min(0n),
  nice: z.int().min(-20).max(19),
  /** For policies of real time. */
  priority: z.int().min(0).max(99),
  /** For SCHED_DEADLINE. */
  runtimeNs: nanoseconds,
  deadlineNs: nanoseconds,
  periodNs: nanoseconds,
  /** Processors it may run on, a bit each. */
  affinity: bytes,
  /** Class and level of its input and output, as [ioprio_set(2)] packs them. */
  ioPriority: z.int().min(0),
});

/** How a thread is scheduled. */
export type Scheduling = Readonly<z.infer<typeof schedulingSchema>>;

const ATTRIBUTE_BYTES = 48;
const AFFINITY_BYTES = 128;
const IOPRIO_WHO_PROCESS = 1;
const IOPRIO_CLASS_SHIFT = 13;

/** Reads how a thread is scheduled. */
export function* captureScheduling(stub: Stub, tid: number): Program<Scheduling> {
  const affinity = stub.results(
    yield* stub.call("sched_getaffinity", tid, AFFINITY_BYTES, stub.out),
  );
  const ioPriority = yield* stub.call("ioprio_get", IOPRIO_WHO_PROCESS, tid);
  yield* stub.call("sched_getattr", tid, stub.out, ATTRIBUTE_BYTES, 0);
  const view = stub.view(ATTRIBUTE_BYTES);
  return {
    policy: view.getUint32(4, true),
    flags: view.getBigUint64(8, true),
    nice: view.getInt32(16, true),
    priority: view.getUint32(20, true),
    runtimeNs: view.getBigUint64(24, true),
    deadlineNs: view.getBigUint64(32, true),
    periodNs: view.getBigUint64(40, true),
    affinity,
    ioPriority,
  };
}

/** Has another thread scheduled as it was. */
export function* restoreScheduling(
  stub: Stub,
  tid: number,
  { affinity, ioPriority, ...attributes }: Scheduling,
): Program<void> {
  yield* stub.call("sched_setaffinity", tid, affinity.length, affinity);
  // Without a class it is derived from the nice value.
  if (ioPriority >> IOPRIO_CLASS_SHIFT !== 0) {
    yield* stub.call("ioprio_set", IOPRIO_WHO_PROCESS, tid, ioPriority);
  }
  const view = new DataView(new ArrayBuffer(ATTRIBUTE_BYTES));
  view.setUint32(0, ATTRIBUTE_BYTES, true);
  view.setUint32(4, attributes.policy, true);
  view.setBigUint64(8, attributes.flags, true);
  view.setInt32(16, attributes.nice, true);
  view.setUint32(20, attributes.priority, true);
  view.setBigUint64(24, attributes.runtimeNs, true);
  view.setBigUint64(32, attributes.deadlineNs, true);
  view.setBigUint64(40, attributes.periodNs, true);
  yield* stub.call("sched_setattr", tid, new Uint8Array(view.buffer), 0);
}
