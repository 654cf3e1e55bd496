import type { GuestAccess } from "../machine/resident.js";
import { errnoOf, SystemCallFailed } from "./errno.js";
import type { Gate, Program, TrappedTask } from "./gate.js";
import { hex, taskMemory, type TaskMemory } from "./memory.js";
import { STUB_AREA, STUB_LOOP } from "./stub.js";
import { SYSTEM_CALLS, type SystemCall } from "./system-calls.js";

/** An argument of a system call; a string (ended by a zero) or bytes are passed by address. */
export type Argument = number | string | Uint8Array;

/** One stub task, for the program that drives it. */
export interface Stub {
  readonly memory: TaskMemory;
  /**
   * Where calls may put up to OUT_BYTES of results, or THREAD_BYTES in a thread that another one has started; good
   * until the next call that puts some there.
   */
  readonly out: number;
  /** Makes a system call; an error is returned as its negative number. */
  attempt(name: SystemCall, ...args: readonly Argument[]): Program<number>;
  /**
   * Makes a system call that must not fail.
   *
   * @throws {SystemCallFailed}
   */
  call(name: SystemCall, ...args: readonly Argument[]): Program<number>;
  /** The first bytes of what the last call put to `out`. */
  results(length: number): Uint8Array;
  /** The same, to be read as numbers. */
  view(length: number): DataView;
  /**
   * Starts a program in a copy of this task.
   *
   * @param pid the process id of the copy, or null for any
   * @param options with `sibling`, the copy is a child of this task's parent
   * @returns the copy's process id
   * @throws {SystemCallFailed} with EEXIST if the id is taken
   */
  fork(
    pid: number | null,
    start: (stub: Stub) => Program<void>,
    options?: { readonly sibling: boolean },
  ): Program<number>;
  /** Starts a program in a new thread of this task, with this thread id. */
  thread(tid: number, start: (stub: Stub) => Program<void>): Program<number>;
}

/** Room for results of a call, in bytes. */
export const OUT_BYTES = 0x10000;
/** Room for the arguments of a call, in bytes. */
const IN_BYTES = 0x10000;
/** As much of either as a thread has that another one has started: it has to be filled with zeros. */
const THREAD_BYTES = 0x1000;
const LOOP_BYTES = 0x1000;

/** Memory of one stub: a page for its loop, arguments, results. */
interface Room {
  readonly start: number;
  readonly argumentsAt: number;
  readonly out: number;
  readonly end: number;
}

/** It lies behind the page that the stub's file is loaded to. */
const FIRST_ROOM = roomAt(STUB_AREA.start + 0x1000, IN_BYTES, OUT_BYTES);
const THREAD_ROOM_BYTES = LOOP_BYTES + 2 * THREAD_BYTES;
const MOST_ROOMS = 1 + Math.floor((STUB_AREA.end - FIRST_ROOM.end) / THREAD_ROOM_BYTES);

const PROT_ALL = 7;
const MAP_PRIVATE_FIXED_ANONYMOUS_POPULATE = 0x8032;

const MADV_DONTFORK = 10;

const CLONE_THREAD_FLAGS =
  0x100 | // CLONE_VM
  0x200 | // CLONE_FS
  0x400 | // CLONE_FILES
  0x800 | // CLONE_SIGHAND
  0x10000 | // CLONE_THREAD
  0x40000; // CLONE_SYSVSEM
const CLONE_PARENT = 0x8000;
const SIGCHLD = 17;

/** [clone(2)], `struct clone_args` up to and with `set_tid_size`. */
const CLONE_ARGS_BYTES = 80;

/**
 * Starts a program in the stub that has trapped first. It moves out of the file that it was loaded from
 * into a room of its own.
 */
export function* driveRoot(
  access: GuestAccess,
  gate: Gate,
  task: TrappedTask,
  program: (stub: Stub) => Program<void>,
): Program<void> {
  const { start, end } = FIRST_ROOM;
  yield* mapFresh(start, end - start);
  taskMemory(access, task).write(start, STUB_LOOP);
  yield { number: SYSTEM_CALLS.getpid, args: [], goOnAt: start };
  const stub = openStub(access, gate, task, FIRST_ROOM);
  yield* keepFromCopies(stub);
  yield* drive(stub, program);
}

/** The loop's page is shared with the task that was copied, and never written again; the rest the copy needs anew. */
function* driveFork(stub: Stub, program: (stub: Stub) => Program<void>): Program<void> {
  yield* mapFresh(stub.out - IN_BYTES, IN_BYTES + OUT_BYTES);
  yield* keepFromCopies(stub);
  yield* drive(stub, program);
}

/** What a copy has in common with this task could not be written to from outside until one of them has. */
function* keepFromCopies(stub: Stub): Program<void> {
  yield* stub.call("madvise", stub.out - IN_BYTES, IN_BYTES + OUT_BYTES, MADV_DONTFORK);
}

function* drive(stub: Stub, program: (stub: Stub) => Program<void>): Program<void> {
  yield* program(stub);
  yield* stub.attempt("exit", 0);
}

function* mapFresh(address: number, bytes: number): Program<void> {
  const args = [address, bytes, PROT_ALL, MAP_PRIVATE_FIXED_ANONYMOUS_POPULATE, -1, 0];
  check(yield { number: SYSTEM_CALLS.mmap2, args }, "mmap2", args);
}

function openStub(access: GuestAccess, gate: Gate, task: TrappedTask, room: Room): Stub {
  const memory = taskMemory(access, task);
  const { argumentsAt, out } = room;
  let nextThread = 1;

  /** Puts what is passed by address into the room, and gives back numbers only. */
  function place(args: readonly Argument[]): number[] {
    let free = argumentsAt;
    return args.map((argument) => {
      if (typeof argument === "number") return argument;
      const bytes =
        typeof argument === "string" ? new TextEncoder().encode(`${argument}\0`) : argument;
      const at = free;
      free += (bytes.length + 15) & ~15;
      if (free > out) throw new RangeError("arguments of a call are too long");
      memory.write(at, bytes);
      return at;
    });
  }

  function* attempt(name: SystemCall, ...args: readonly Argument[]): Program<number> {
    return yield { number: SYSTEM_CALLS[name], args: place(args) };
  }

  function* clone(
    options: { flags: number; exitSignal: number; id: number | null; goOnAt: number | null },
    start: (task: TrappedTask) => Program<void>,
  ): Program<number> {
    const token = gate.newToken();
    gate.expect(token, start);
    const fields = new DataView(new ArrayBuffer(CLONE_ARGS_BYTES));
    fields.setUint32(0, options.flags, true);
    fields.setUint32(32, options.exitSignal, true);
    if (options.goOnAt !== null) {
      // The new task's stack pointer is the end of its stack.
      fields.setUint32(40, options.goOnAt - 0x1000, true);
      fields.setUint32(48, 0x1000, true);
    }
    if (options.id !== null) {
      memory.write(out, new Uint8Array(Uint32Array.of(options.id).buffer));
      fields.setUint32(64, out, true);
      fields.setUint32(72, 1, true);
    }
    const [at = 0] = place([new Uint8Array(fields.buffer)]);
    const args = [at, CLONE_ARGS_BYTES, 0, 0, 0, token];
    return check(yield { number: SYSTEM_CALLS.clone3, args }, "clone3", [options.id ?? "any id"]);
  }

  return {
    memory,
    out,
    attempt,
    *call(name, ...args) {
      return check(yield* attempt(name, ...args), name, args);
    },
    results: (length) => memory.read(out, length),
    view: (length) => new DataView(memory.read(out, length).buffer),
    fork(pid, program, { sibling } = { sibling: false }) {
      // A sibling has the exit signal of this task.
      const kinship = sibling
        ? { flags: CLONE_PARENT, exitSignal: 0 }
        : { flags: 0, exitSignal: SIGCHLD };
      return clone({ ...kinship, id: pid, goOnAt: null }, (child) =>
        driveFork(openStub(access, gate, child, room), program),
      );
    },
    *thread(tid, program) {
      const number = nextThread++;
      if (number >= MOST_ROOMS)
        throw new RangeError(`more than ${MOST_ROOMS} threads in a process`);
      const before = FIRST_ROOM.end + (number - 1) * THREAD_ROOM_BYTES;
      const its = roomAt(before, THREAD_BYTES, THREAD_BYTES);
      yield* mapFresh(its.start, its.end - its.start);
      memory.write(its.start, STUB_LOOP);
      const options = { flags: CLONE_THREAD_FLAGS, exitSignal: 0, id: tid, goOnAt: its.start };
      return yield* clone(options, (thread) => drive(openStub(access, gate, thread, its), program));
    },
  };
}

function roomAt(start: number, inBytes: number, outBytes: number): Room {
  const argumentsAt = start + LOOP_BYTES;
  const out = argumentsAt + inBytes;
  return { start, argumentsAt, out, end: out + outBytes };
}

function check(result: number, name: string, args: readonly Argument[]): number {
  const errno = errnoOf(result);
  if (errno === null) return result;
  const shown = args.map((argument) => {
    if (typeof argument === "string") return JSON.stringify(argument);
    if (typeof argument !== "number") return `${argument.length} bytes`;
    return argument >= 0 && argument < 0x10000 ? String(argument) : hex(argument);
  });
  throw new SystemCallFailed(`${name}(${shown.join(", ")})`, errno);
}
