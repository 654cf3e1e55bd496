/**
 * Making objects of System V again by their keys and numbers. Who made one is not kept: that is root.
 *
 * References:
 * - [shmget(2)], [shmat(2)], [semget(2)], [msgget(2)]; [ipc] as in system-v.ts
 * - [sysctl] Documentation/admin-guide/sysctl/kernel.rst: shm_next_id, sem_next_id, msg_next_id
 */
import { errnoName } from "../guest/errno.js";
import { concat, writeFile } from "../guest/files.js";
import type { Program } from "../guest/gate.js";
import type { Stub } from "../guest/stub-session.js";
import { writeContent } from "./files/file-content.js";
import { CannotCarry } from "./files/file-kind.js";
import {
  type Attachment,
  type Kind,
  PROT_EXEC,
  PROT_WRITE,
  QUEUE_CAPACITY_AT,
  STATUS_BYTES,
  type SystemV,
  withSegment,
} from "./system-v.js";

const IPC_CREAT_EXCL = 0o3000;
const IPC_NOWAIT = 0o4000;
const IPC_RMID = 0;
const IPC_SET = 1;
const SHM_RDONLY = 0o10000;
const SHM_REMAP = 0o40000;
const SHM_EXEC = 0o100000;
const SETALL = 17;
/** Where IPC_SET looks in `struct ipc64_perm`, with which all structures begin. */
const UID_AT = 4;
const GID_AT = 8;
const MODE_AT = 20;

/**
 * Makes the objects again, by their keys and numbers.
 *
 * @throws {CannotCarry} if the key or number of one that is in use is taken here
 */
export function* restoreSystemV(stub: Stub, objects: SystemV): Program<void> {
  for (const segment of objects.segments) {
    const { id, size, content } = segment;
    if (!(yield* make(stub, "shm", segment, ["shmget", segment.key, size]))) continue;
    yield* withSegment(stub, id, size, (fd) => writeContent(stub, fd, content));
    yield* stub.call("shmctl", id, IPC_SET, statusOf(segment));
  }
  for (const set of objects.semaphores) {
    const { id, values } = set;
    if (!(yield* make(stub, "sem", set, ["semget", set.key, values.length]))) continue;
    yield* stub.call("semctl", id, 0, SETALL, new Uint8Array(Uint16Array.from(values).buffer));
    yield* stub.call("semctl", id, 0, IPC_SET, statusOf(set));
  }
  for (const queue of objects.queues) {
    const { id, messages, capacity } = queue;
    if (!(yield* make(stub, "msg", queue, ["msgget", queue.key]))) continue;
    const status = statusOf(queue);
    new DataView(status.buffer).setUint32(QUEUE_CAPACITY_AT, capacity, true);
    yield* stub.call("msgctl", id, IPC_SET, status);
    for (const { type, text } of messages) {
      const message = concat([new Uint8Array(Int32Array.of(type).buffer), text]);
      yield* stub.call("msgsnd", id, message, text.length, IPC_NOWAIT);
    }
  }
}

/** Attaches segments to the process that the stub is to become. */
export function* attachSegments(stub: Stub, attachments: readonly Attachment[]): Program<void> {
  for (const { segment, start, protection } of attachments) {
    const reads = (protection & PROT_WRITE) === 0 ? SHM_RDONLY : 0;
    const runs = (protection & PROT_EXEC) === 0 ? 0 : SHM_EXEC;
    yield* stub.call("shmat", segment, start, SHM_REMAP | reads | runs);
  }
}

/** Removes the segments that were removed, once all have them attached who had. */
export function* removeSegments(stub: Stub, { segments }: SystemV): Program<void> {
  for (const { id, inUse, removed } of segments) {
    if (inUse && removed) yield* stub.call("shmctl", id, IPC_RMID, 0);
  }
}

/**
 * Makes an object of a wanted number.
 *
 * @returns false if its place is taken, and nothing is known to need it
 */
function* make(
  stub: Stub,
  kind: Kind,
  { id, key, mode, inUse }: Pick<SystemV["queues"][number], "id" | "key" | "mode" | "inUse">,
  [call, ...args]: readonly ["shmget" | "semget" | "msgget", ...number[]],
): Program<boolean> {
  yield* writeFile(stub, `/proc/sys/kernel/${kind}_next_id`, String(id));
  const made = yield* stub.attempt(call, ...args, IPC_CREAT_EXCL | mode);
  if (made === id) return true;
  if (made >= 0) yield* stub.call(`${kind}ctl`, made, IPC_RMID, IPC_RMID);
  if (!inUse) return false;
  const why = made < 0 ? errnoName(-made) : "its number is taken";
  throw new CannotCarry(
    `the System V object ${kind} ${id} of key ${key} cannot be made here: ${why}`,
  );
}

/** What IPC_SET takes: owner and mode; the rest is zero. */
function statusOf({ uid, gid, mode }: { uid: number; gid: number; mode: number }): Uint8Array {
  const status = new DataView(new ArrayBuffer(STATUS_BYTES));
  status.setUint32(UID_AT, uid, true);
  status.setUint32(GID_AT, gid, true);
  status.setUint16(MODE_AT, mode, true);
  return new Uint8Array(status.buffer);
}
