/**
 * Shared memory, semaphores and message queues of System V. They belong to no process: those go along
 * that a process of the tree has attached or used last, or that nobody who lives has used last.
 *
 * References:
 * - [sysvipc(7)], [shmat(2)], [semctl(2)], [msgrcv(2)] MSG_COPY; [proc(5)] /proc/sysvipc
 * - [ipc] include/uapi/asm-generic/{ipcbuf,shmbuf,msgbuf}.h of Linux: layouts for i386
 */
import { z } from "zod";
import { listNumbers, readText } from "../guest/files.js";
import type { Program } from "../guest/gate.js";
import type { MapsLine } from "../guest/procfs.js";
import { OUT_BYTES, type Stub } from "../guest/stub-session.js";
import { bytes } from "./bytes-schema.js";
import { contentSchema, readContent } from "./files/file-content.js";
import { CannotCarry } from "./files/file-kind.js";
import { mapLink } from "./mapped-files.js";

const permissions = {
  /** Zero for one that is found by its number only. */
  key: z.int32(),
  id: z.int().min(0),
  /** Permission bits. */
  mode: z.int().min(0).max(0o777),
  uid: z.uint32(),
  gid: z.uint32(),
  /** Whether a process of the tree is known to use it. Another is made only where nothing is in its way. */
  inUse: z.boolean(),
};

const segmentSchema = z.strictObject({
  ...permissions,
  /** In bytes. */
  size: z.int().min(1),
  /** Whether it is removed once nobody has it attached. */
  removed: z.boolean(),
  content: contentSchema,
});
const semaphoresSchema = z.strictObject({
  ...permissions,
  values: z.array(z.int().min(0).max(32_767)),
});
const queueSchema = z.strictObject({
  ...permissions,
  /** How much it can hold, in bytes. */
  capacity: z.uint32(),
  messages: z.array(z.strictObject({ type: z.int32(), text: bytes })),
});

/** @see SystemV */
export const systemVSchema = z.strictObject({
  segments: z.array(segmentSchema),
  semaphores: z.array(semaphoresSchema),
  queues: z.array(queueSchema),
});
/** Objects of System V that a tree uses. */
export type SystemV = Readonly<z.infer<typeof systemVSchema>>;

/** @see Attachment */
export const attachmentSchema = z.strictObject({
  segment: z.int().min(0),
  /** First address, and the first one behind it; whole pages. */
  start: z.uint32(),
  end: z.uint32(),
  /** PROT_READ 1, PROT_WRITE 2, PROT_EXEC 4. */
  protection: z.int().min(0).max(7),
});
/** A segment of shared memory in a process. */
export type Attachment = Readonly<z.infer<typeof attachmentSchema>>;

const PAGE_BYTES = 4096;
const IPC_STAT = 2;
const SHM_DEST = 0o1000;
const GETPID = 11;
const GETALL = 13;
const MSG_COPY_NOWAIT = 0o44000;
const KCMP_SYSVSEM = 6;
/** Room for any of the structures that tell of an object. */
export const STATUS_BYTES = 128;
/** Where in `struct msqid64_ds` the capacity lies. */
export const QUEUE_CAPACITY_AT = 68;
const MOST_MESSAGES = 65_536;
/** Of [mmap(2)]. */
export const PROT_WRITE = 2;
/** Of [mmap(2)]. */
export const PROT_EXEC = 4;
const O_RDWR_CLOEXEC = 0o2000002;

/** Whether a mapping shows a segment. */
export function isSegment({ path, shared }: MapsLine): boolean {
  return shared && /^\/SYSV[0-9a-f]{8} \(deleted\)$/.test(path);
}

/** The segments among the mappings of a process. */
export function attachmentsOf(maps: readonly MapsLine[], pid: number): Attachment[] {
  return maps.filter(isSegment).map(({ start, end, read, write, execute, offset, inode }) => {
    if (offset !== 0) {
      throw new CannotCarry(`process ${pid} has only a part of the segment ${inode} attached`);
    }
    const protection = (read ? 1 : 0) | (write ? PROT_WRITE : 0) | (execute ? PROT_EXEC : 0);
    return { segment: inode, start, end, protection };
  });
}

/**
 * Why the semaphores of a process cannot be carried; null if they can. The kernel tells nobody what a
 * process will give back when it ends, only whether there may be something.
 */
export function* undoObstacle(stub: Stub, pid: number): Program<string | null> {
  const own = yield* stub.call("getpid");
  const sets = yield* table(stub, "sem");
  if (sets.length === 0) return null;
  // The stub has no list; whoever has none either compares as equal.
  const order = yield* stub.call("kcmp", own, pid, KCMP_SYSVSEM, 0, 0);
  return order === 0
    ? null
    : "it may have taken System V semaphores with SEM_UNDO, which cannot be read";
}

/**
 * Reads the objects that processes use.
 *
 * @throws {CannotCarry} naming the process whose semaphores cannot be carried
 */
export function* captureSystemV(
  stub: Stub,
  processes: readonly { readonly pid: number; readonly attachments: readonly Attachment[] }[],
): Program<SystemV> {
  const tree = new Set(processes.map(({ pid }) => pid));
  for (const pid of tree) {
    const why = yield* undoObstacle(stub, pid);
    if (why !== null) throw new CannotCarry(`process ${pid} cannot be carried: ${why}`);
  }
  const alive = new Set(yield* listNumbers(stub, "/proc"));
  const isUsed = (users: readonly number[]): boolean => users.some((pid) => tree.has(pid));
  const isLost = (users: readonly number[]): boolean => users.every((pid) => !alive.has(pid));

  const attached = new Set(
    processes.flatMap(({ attachments }) => attachments.map(({ segment }) => segment)),
  );
  const segments = [];
  for (const row of yield* table(stub, "shm")) {
    const { id, perms, number } = row;
    const users = [number("cpid"), number("lpid")];
    const inUse = attached.has(id) || isUsed(users);
    if (!inUse && !isLost(users)) continue;
    const size = number("size");
    const content = yield* readSegment(stub, id, size);
    segments.push({ ...common(row), inUse, size, removed: (perms & SHM_DEST) !== 0, content });
  }
  for (const { attachments, pid } of processes) {
    for (const { segment, start, end } of attachments) {
      const size = segments.find(({ id }) => id === segment)?.size ?? 0;
      if (pages(size) === end - start) continue;
      throw new CannotCarry(`process ${pid} has only a part of the segment ${segment} attached`);
    }
  }

  const semaphores = [];
  for (const row of yield* table(stub, "sem")) {
    const count = row.number("nsems");
    const users: number[] = [];
    for (let index = 0; index < count; index++) {
      users.push(yield* stub.call("semctl", row.id, index, GETPID, 0));
    }
    const inUse = isUsed(users);
    if (!inUse && !isLost(users)) continue;
    if (2 * count > OUT_BYTES) {
      throw new CannotCarry(
        `the semaphore set ${row.id} has ${count} semaphores, which is too many`,
      );
    }
    yield* stub.call("semctl", row.id, 0, GETALL, stub.out);
    const view = stub.view(2 * count);
    const values = Array.from({ length: count }, (_, index) => view.getUint16(2 * index, true));
    semaphores.push({ ...common(row), inUse, values });
  }

  const queues = [];
  for (const row of yield* table(stub, "msg")) {
    const users = [row.number("lspid"), row.number("lrpid")];
    const inUse = isUsed(users);
    if (!inUse && !isLost(users)) continue;
    yield* stub.call("msgctl", row.id, IPC_STAT, stub.out);
    const capacity = stub.view(STATUS_BYTES).getUint32(QUEUE_CAPACITY_AT, true);
    const messages = yield* copyMessages(stub, row.id, row.number("qnum"));
    queues.push({ ...common(row), inUse, capacity, messages });
  }
  return { segments, semaphores, queues };
}

/** Kinds of objects, as `/proc/sysvipc` calls them. */
export type Kind = "shm" | "sem" | "msg";

/** A line of `/proc/sysvipc`. */
interface Row {
  readonly id: number;
  /** Mode, with SHM_DEST. */
  readonly perms: number;
  readonly number: (column: string) => number;
}

function* table(stub: Stub, kind: Kind): Program<Row[]> {
  const [head = "", ...lines] = (yield* readText(stub, `/proc/sysvipc/${kind}`)).split("\n");
  const names = head.trim().split(/\s+/);
  return lines
    .filter((line) => line.trim() !== "")
    .map((line) => {
      const cells = line.trim().split(/\s+/);
      const cell = (name: string): string => {
        const value = cells[names.indexOf(name)];
        if (value === undefined || !/^-?\d+$/.test(value)) {
          throw new CannotCarry(`/proc/sysvipc/${kind} says nothing of "${name}"`);
        }
        return value;
      };
      const number = (name: string): number => Number(cell(name));
      return {
        id: number(`${kind === "msg" ? "msq" : kind}id`),
        perms: parseInt(cell("perms"), 8),
        number,
      };
    });
}

function common({ id, perms, number }: Row) {
  const owner = { uid: number("uid"), gid: number("gid") };
  return { key: number("key"), id, mode: perms & 0o777, ...owner };
}

function pages(size: number): number {
  return Math.ceil(size / PAGE_BYTES) * PAGE_BYTES;
}

function* readSegment(stub: Stub, id: number, size: number) {
  const link = `segment ${id}`;
  return yield* withSegment(stub, id, size, (fd) =>
    readContent(stub, { fd, size: pages(size), link, number: -1, pid: 0 }),
  );
}

/** Has a segment open as a file. */
export function* withSegment<T>(
  stub: Stub,
  id: number,
  size: number,
  work: (fd: number) => Program<T>,
): Program<T> {
  const start = (yield* stub.call("shmat", id, 0, 0)) >>> 0;
  try {
    const fd = yield* stub.call(
      "open",
      mapLink("self", start, start + pages(size)),
      O_RDWR_CLOEXEC,
    );
    const result = yield* work(fd);
    yield* stub.call("close", fd);
    return result;
  } finally {
    yield* stub.attempt("shmdt", start);
  }
}

/** Copies the messages of a queue, and leaves them there. */
function* copyMessages(stub: Stub, id: number, count: number) {
  const messages: { type: number; text: Uint8Array }[] = [];
  for (let index = 0; index < Math.min(count, MOST_MESSAGES); index++) {
    const room = OUT_BYTES - 4;
    const length = yield* stub.call("msgrcv", id, stub.out, room, index, MSG_COPY_NOWAIT);
    const message = stub.results(4 + length);
    const type = new DataView(message.buffer).getInt32(0, true);
    messages.push({ type, text: message.slice(4) });
  }
  return messages;
}
