/**
 * POSIX message queues.
 *
 * References:
 * - [mq_overview(7)], [mq_getsetattr(2)] `struct mq_attr`, [mq_receive(3)]
 *
 * Messages cannot be looked at where they are: they are taken out and put back, in the order of their
 * priorities, which the queue keeps anyway.
 */
import { z } from "zod";
import { zeroEnded } from "../../guest/files.js";
import type { Program } from "../../guest/gate.js";
import { OUT_BYTES, type Stub } from "../../guest/stub-session.js";
import { bytes } from "../bytes-schema.js";
import {
  CannotCarry,
  type FileKind,
  type FoundFile,
  identityOf,
  isType,
  nameOf,
} from "./file-kind.js";

/** @see messageQueue */
export const messageQueueSchema = z.strictObject({
  kind: z.literal("message-queue"),
  /** Without the slash; open files of the same name are one queue. */
  name: z.string(),
  /** As of [open(2)]: the way to use it, O_NONBLOCK. */
  flags: z.int(),
  permissions: z.int().min(0).max(0o7777),
  uid: z.uint32(),
  gid: z.uint32(),
  mostMessages: z.int().min(1),
  longestMessage: z.int().min(1),
  /** In the order in which they are taken out. */
  messages: z.array(z.strictObject({ priority: z.uint32(), text: bytes })),
});
type MessageQueue = z.infer<typeof messageQueueSchema>;
type Messages = MessageQueue["messages"];

/** What statfs tells of the queues' file system. */
const MQUEUE_MAGIC = 0x19800202;
const ATTRIBUTE_BYTES = 32;
/** Most that can be read of a queue as a file: a line of text that tells of it. */
const STATUS_BYTES = 80;
const MOST_MESSAGES = 65_536;
const O_RDWR_NONBLOCK_CLOEXEC = 0o2004002;
const O_CREAT_EXCL = 0o300;
const DELETED = " (deleted)";
const EEXIST = -17;
const RLIMIT_MSGQUEUE = 12;
/** [time(7)]: long past, so that a call never waits. */
const LONG_PAST = new Uint8Array(8);

/** An open message queue. */
export const messageQueue: FileKind<MessageQueue> = {
  kind: "message-queue",
  matches: ({ fileSystem, mode }) => fileSystem === MQUEUE_MAGIC && isType(mode, "regular"),

  *capture(stub, file, { shared }) {
    const { fd, link, flags, mode, uid, gid } = file;
    if (link.endsWith(DELETED)) throw new CannotCarry(`${nameOf(file)} has been unlinked`);
    yield* stub.call("mq_getsetattr", fd, 0, stub.out);
    const limits = stub.view(ATTRIBUTE_BYTES);
    const mostMessages = limits.getInt32(4, true);
    const longestMessage = limits.getInt32(8, true);
    const key = `queue ${identityOf(file)}`;
    const messages = shared.has(key) ? [] : yield* copyMessages(stub, file, longestMessage);
    shared.set(key, true);
    return {
      kind: "message-queue",
      name: link.slice(1),
      flags,
      permissions: mode & 0o7777,
      uid,
      gid,
      mostMessages,
      longestMessage,
      messages,
    };
  },

  *open(stub, queue, { shared }) {
    const { name, flags } = queue;
    const key = `queue ${name}`;
    if (!shared.has(key)) yield* make(stub, queue);
    shared.set(key, true);
    return yield* stub.call("mq_open", name, flags, 0, 0);
  },
};

/** Takes out all messages, and puts them back. */
function* copyMessages(stub: Stub, file: FoundFile, longest: number): Program<Messages> {
  if (longest > OUT_BYTES - 4) throw new CannotCarry(`${nameOf(file)} has room for long messages`);
  const fd = yield* stub.call("open", `/proc/self/fd/${file.fd}`, O_RDWR_NONBLOCK_CLOEXEC);
  const messages: Messages = [];
  try {
    const length = yield* stub.call("pread64", fd, stub.out, STATUS_BYTES, 0, 0);
    const notified = /NOTIFY_PID:([1-9]\d*)/.exec(zeroEnded(stub.results(length)));
    if (notified !== null) {
      throw new CannotCarry(`${nameOf(file)} tells process ${notified[1] ?? ""} of new messages`);
    }
    while (messages.length < MOST_MESSAGES) {
      const room = stub.out + 4;
      const taken = yield* stub.attempt("mq_timedreceive", fd, room, longest, stub.out, LONG_PAST);
      if (taken < 0) break;
      const message = stub.results(4 + taken);
      const priority = new DataView(message.buffer).getUint32(0, true);
      messages.push({ priority, text: message.slice(4) });
    }
  } finally {
    yield* send(stub, fd, messages);
    yield* stub.attempt("close", fd);
  }
  return messages;
}

function* make(stub: Stub, queue: MessageQueue): Program<void> {
  const { name, permissions, uid, gid, mostMessages, longestMessage, messages } = queue;
  const attributes = new Uint8Array(
    Int32Array.of(0, mostMessages, longestMessage, 0, 0, 0, 0, 0).buffer,
  );
  const unlimited = new Uint8Array(16).fill(0xff);
  yield* stub.call("prlimit64", 0, RLIMIT_MSGQUEUE, unlimited, 0);
  const how = O_RDWR_NONBLOCK_CLOEXEC | O_CREAT_EXCL;
  const fd = yield* stub.attempt("mq_open", name, how, 0o600, attributes);
  if (fd === EEXIST) throw new CannotCarry(`the message queue /${name} exists here already`);
  if (fd < 0) throw new CannotCarry(`the message queue /${name} cannot be made here`);
  yield* stub.call("fchown32", fd, uid, gid);
  yield* stub.call("fchmod", fd, permissions);
  yield* send(stub, fd, messages);
  yield* stub.call("close", fd);
}

function* send(stub: Stub, fd: number, messages: Messages): Program<void> {
  for (const { priority, text } of messages) {
    yield* stub.call("mq_timedsend", fd, text, text.length, priority, LONG_PAST);
  }
}
