import { z } from "zod";
import type { Program } from "../../guest/gate.js";
import type { Stub } from "../../guest/stub-session.js";
import { epoll, epollSchema } from "./epoll.js";
import { eventFd, eventFdSchema } from "./event-fd.js";
import { fifo, fifoSchema } from "./fifo.js";
import {
  CannotCarry,
  type CaptureContext,
  type FileKind,
  type FoundFile,
  type RestoreContext,
  type SettleContext,
} from "./file-kind.js";
import { inotify, inotifySchema } from "./inotify.js";
import { messageQueue, messageQueueSchema } from "./message-queue.js";
import { namelessFile, namelessFileSchema } from "./nameless-file.js";
import { pathFile, pathFileSchema } from "./path-file.js";
import { pidfd, pidfdSchema } from "./pidfd.js";
import { pipe, pipeSchema } from "./pipe.js";
import { pseudoTerminal, pseudoTerminalSchema } from "./pseudo-terminal.js";
import { sharedMemory, sharedMemorySchema } from "./shared-memory.js";
import { signalFd, signalFdSchema } from "./signal-fd.js";
import { socket } from "./socket.js";
import { socketSchema } from "./socket-state.js";
import { terminal, terminalSchema } from "./terminal.js";
import { timerFd, timerFdSchema } from "./timer-fd.js";

/** State of an open file in a process image. */
export const fileSchema = z.discriminatedUnion("kind", [
  epollSchema,
  eventFdSchema,
  fifoSchema,
  inotifySchema,
  messageQueueSchema,
  namelessFileSchema,
  pathFileSchema,
  pidfdSchema,
  pipeSchema,
  pseudoTerminalSchema,
  sharedMemorySchema,
  signalFdSchema,
  socketSchema,
  terminalSchema,
  timerFdSchema,
]);

/** @see fileSchema */
export type FileImage = Readonly<z.infer<typeof fileSchema>>;

// Each kind captures and opens only its own states: which one a state belongs to, its `kind` says.
// The first that matches takes a file.
const KINDS = [
  sharedMemory,
  epoll,
  eventFd,
  fifo,
  inotify,
  messageQueue,
  namelessFile,
  pathFile,
  pidfd,
  pipe,
  pseudoTerminal,
  signalFd,
  socket,
  terminal,
  timerFd,
] as unknown as readonly FileKind<FileImage>[];

/**
 * Reads the state of an open file.
 *
 * @throws {CannotCarry} if there is no way to open it again elsewhere
 */
export function* captureFile(
  stub: Stub,
  file: FoundFile,
  context: CaptureContext,
): Program<FileImage> {
  const kind = KINDS.find((each) => each.matches(file));
  if (kind === undefined) {
    throw new CannotCarry(
      `descriptor ${file.number} of process ${file.pid} is of a kind that cannot be carried: ${file.link}`,
    );
  }
  return yield* kind.capture(stub, file, context);
}

/** Whether there is a kind for an open file; its capture may still find a reason to refuse it. */
export function isCarried(file: FoundFile): boolean {
  return KINDS.some((each) => each.matches(file));
}

/** Whether a file can be opened only when the processes of the tree are there. */
export function needsProcesses(state: FileImage): boolean {
  return kindOf(state).needsProcesses === true;
}

/** Opens a file again, in the stub that starts the tree. */
export function* openFile(stub: Stub, state: FileImage, context: RestoreContext): Program<number> {
  return yield* kindOf(state).open(stub, state, context);
}

/** Does what is left to do for an opened file when all others are open too. */
export function* finishFile(
  stub: Stub,
  state: FileImage,
  fd: number,
  context: RestoreContext,
): Program<void> {
  yield* kindOf(state).finish?.(stub, state, fd, context) ?? [];
}

function kindOf(state: FileImage): FileKind<FileImage> {
  const kind = KINDS.find((each) => each.kind === state.kind);
  if (kind === undefined) throw new CannotCarry(`there is no kind of file "${state.kind}"`);
  return kind;
}

/** Does what a kind of file does in a process that has it, once all files are open. */
export function* settleFile(
  stub: Stub,
  state: FileImage,
  index: number,
  context: SettleContext,
): Program<void> {
  const kind = kindOf(state);
  if (kind.settle === undefined) return;
  const fd = yield* context.take(index);
  yield* kind.settle(stub, state, fd, context);
  yield* stub.call("close", fd);
}
