/**
 * Asking the kernel about a stopped task by system calls that the task makes itself: all of them in one go, since
 * each time that it goes on and stops costs more than a call.
 *
 * References:
 * - [ptrace(2)]; [sdm] Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2: MOV, INT, INT3
 */
import type { Program } from "./gate.js";
import { callInside, runToTrap, type Tracee } from "./tracee.js";
import type { Stub } from "./stub-session.js";
import { SYSTEM_CALLS, type SystemCall } from "./system-calls.js";

/** As an argument: the address at which the call is to put up to ANSWER_BYTES of results. */
export const ANSWER = "answer";

/** What a question came to. */
export interface Answer {
  /** What the call returned, an error as its negative number. */
  readonly value: number;
  /** What it put at ANSWER, and what was there before behind that. */
  readonly result: Uint8Array;
}

/** System calls that a stopped task is to make, in their order. */
export interface Questions {
  /** Adds one; what is returned gives its answer once all have been asked. */
  ask(name: SystemCall, ...args: readonly (number | typeof ANSWER)[]): () => Answer;
  /** Has a task make the calls. */
  put(stub: Stub, tracee: Tracee, room: QuestionRoom): Program<void>;
}

/** Memory of a stopped process that it may write to and execute, and that nothing else uses. */
export interface QuestionRoom {
  readonly address: number;
  /** `/proc/PID/mem` of the process, open in the stub for reading and writing. */
  readonly mem: number;
}

/** Results that a call can give, in bytes. */
export const ANSWER_BYTES = 60;
/** An answer: the value, and the results. */
const SLOT_BYTES = 4 + ANSWER_BYTES;
const CODE_BYTES = 0x1000;
/** Of each call: seven moves into registers, the call, and one into memory. */
const CALL_BYTES = 7 * 5 + 2 + 5;
const MOST_AT_ONCE = Math.min(
  Math.floor((CODE_BYTES - 1) / CALL_BYTES),
  Math.floor(0x1000 / SLOT_BYTES),
);

/** Size of a room, in bytes: code, and answers. */
export const QUESTION_ROOM_BYTES = CODE_BYTES + 0x1000;

/** `mov reg, imm32` for eax and the arguments ebx, ecx, edx, esi, edi, ebp. */
const MOVES = [0xb8, 0xbb, 0xb9, 0xba, 0xbe, 0xbf, 0xbd] as const;
const MOV_MEMORY_EAX = 0xa3;
const INT3 = 0xcc;

interface Question {
  readonly name: SystemCall;
  readonly args: readonly (number | typeof ANSWER)[];
  answer: Answer | null;
}

/** Makes an empty list of questions. */
export function createQuestions(): Questions {
  const asked: Question[] = [];
  return {
    ask(name, ...args) {
      const question: Question = { name, args, answer: null };
      asked.push(question);
      return () => {
        if (question.answer === null) throw new RangeError(`the call ${name} was not made yet`);
        return question.answer;
      };
    },
    *put(stub, tracee, room) {
      for (let at = 0; at < asked.length; at += MOST_AT_ONCE) {
        const some = asked.slice(at, at + MOST_AT_ONCE);
        const values = canRun(tracee)
          ? yield* callAll(stub, tracee, room, some)
          : yield* callEach(stub, tracee, room, some);
        yield* stub.call(
          "pread64",
          room.mem,
          stub.out,
          some.length * SLOT_BYTES,
          slotAt(room, 0),
          0,
        );
        const slots = stub.view(some.length * SLOT_BYTES);
        for (const [index, question] of some.entries()) {
          const slot = index * SLOT_BYTES;
          const result = new Uint8Array(slots.buffer, slot + 4, ANSWER_BYTES).slice();
          question.answer = { value: values?.[index] ?? slots.getInt32(slot, true), result };
        }
      }
    },
  };
}

/** Code of ours stores by ds, which a program may have set to something of its own. */
function canRun({ mayTrap, registers }: Tracee): boolean {
  return mayTrap && registers.ds === registers.ss;
}

/** Has a task run through calls; their values are in the slots. */
function* callAll(
  stub: Stub,
  tracee: Tracee,
  room: QuestionRoom,
  questions: readonly Question[],
): Program<null> {
  const code = new DataView(new ArrayBuffer(questions.length * CALL_BYTES + 1));
  let at = 0;
  const put = (opcode: number, operand: number): void => {
    code.setUint8(at, opcode);
    code.setUint32(at + 1, operand >>> 0, true);
    at += 5;
  };
  for (const [index, { name, args }] of questions.entries()) {
    const values = [SYSTEM_CALLS[name], ...args.map((each) => argument(each, room, index))];
    for (const [place, move] of MOVES.entries()) put(move, values[place] ?? 0);
    code.setUint16(at, 0x80cd, true); // int 0x80
    at += 2;
    put(MOV_MEMORY_EAX, slotAt(room, index));
  }
  code.setUint8(at, INT3);
  const bytes = new Uint8Array(code.buffer);
  yield* stub.call("pwrite64", room.mem, bytes, bytes.length, room.address, 0);
  yield* runToTrap(stub, tracee, room.address);
  return null;
}

function* callEach(
  stub: Stub,
  tracee: Tracee,
  room: QuestionRoom,
  questions: readonly Question[],
): Program<number[]> {
  const values: number[] = [];
  for (const [index, { name, args }] of questions.entries()) {
    const given = args.map((each) => argument(each, room, index));
    values.push(yield* callInside(stub, tracee, name, ...given));
  }
  return values;
}

function argument(given: number | typeof ANSWER, room: QuestionRoom, index: number): number {
  return given === ANSWER ? slotAt(room, index) + 4 : given;
}

function slotAt({ address }: QuestionRoom, index: number): number {
  return address + CODE_BYTES + index * SLOT_BYTES;
}

const PROT_ALL = 7;
const MAP_PRIVATE_ANONYMOUS = 0x22;
const ENOMEM = 12;
const RLIMIT_DATA = 2;
const RLIMIT_AS = 9;
const NO_LIMIT = new Uint8Array(16).fill(0xff);

/**
 * Gives a stopped process a room for questions while `work` is done.
 *
 * @param mem `/proc/PID/mem` of the process, open for reading and writing
 * @throws {RangeError} if it has no addresses left
 */
export function* withQuestionRoom<T>(
  stub: Stub,
  tracee: Tracee,
  mem: number,
  work: (room: QuestionRoom) => Program<T>,
): Program<T> {
  const map = (): Program<number> =>
    callInside(
      stub,
      tracee,
      "mmap2",
      0,
      QUESTION_ROOM_BYTES,
      PROT_ALL,
      MAP_PRIVATE_ANONYMOUS,
      -1,
      0,
    );
  let address = yield* map();
  if (address === -ENOMEM) address = yield* withoutLimits(stub, tracee.tid, map);
  if (address > -4096 && address < 0) {
    throw new RangeError(`the process ${tracee.tid} has no room for a call: error ${-address}`);
  }
  const room = { address: address >>> 0, mem };
  try {
    return yield* work(room);
  } finally {
    yield* callInside(stub, tracee, "munmap", room.address, QUESTION_ROOM_BYTES);
  }
}

/** Does work while a process may have as much memory as it wants. */
function* withoutLimits<T>(stub: Stub, pid: number, work: () => Program<T>): Program<T> {
  const limits = new Map<number, Uint8Array>();
  for (const resource of [RLIMIT_DATA, RLIMIT_AS]) {
    yield* stub.call("prlimit64", pid, resource, NO_LIMIT, stub.out);
    limits.set(resource, stub.results(16));
  }
  try {
    return yield* work();
  } finally {
    for (const [resource, limit] of limits) {
      yield* stub.call("prlimit64", pid, resource, limit, 0);
    }
  }
}
