import type { Program } from "../guest/gate.js";
import { readText } from "../guest/files.js";
import { getFpx, getThreadAreas, peekSignals, type Registers } from "../guest/ptrace.js";
import type { Tracee } from "../guest/tracee.js";
import { parseFields } from "../guest/procfs.js";
import { ANSWER, type QuestionRoom, type Questions } from "../guest/questions.js";
import type { Stub } from "../guest/stub-session.js";
import { askCredentials } from "./credentials.js";
import type { ThreadImage } from "./image.js";
import { askThreadFlags } from "./prctl-flags.js";
import { restartCall } from "./restart.js";
import type { Rseq } from "./rseq.js";
import { captureScheduling } from "./scheduling.js";
import { captureSeccomp } from "./seccomp.js";

const PR_GET_TID_ADDRESS = 40;
const STACK_T_BYTES = 12;

/** A stopped thread, all of whose signals are blocked. */
export interface StoppedThread {
  readonly tid: number;
  /** What it had blocked before. */
  readonly signalMask: Uint8Array;
  /** As they were when it was stopped, before any call was made inside of it. */
  readonly registers: Registers;
}

/** A stopped thread that can be asked. */
export interface OpenThread {
  readonly thread: StoppedThread;
  readonly tracee: Tracee;
  readonly rseq: Rseq | null;
}

/**
 * Reads the state of a stopped thread, and leaves it as it was.
 *
 * @param questions what else it is to be asked
 * @param status its `/proc/PID/task/TID/status`, if that is known
 */
export function* captureThread(
  stub: Stub,
  pid: number,
  { thread, tracee, rseq }: OpenThread,
  {
    questions,
    room,
    status: known,
  }: {
    readonly questions: Questions;
    readonly room: QuestionRoom;
    readonly status: ReturnType<typeof parseFields> | null;
  },
): Program<ThreadImage> {
  const { tid, signalMask, registers } = thread;

  yield* stub.call("get_robust_list", tid, stub.out, stub.out + 4);
  const robust = stub.view(8);
  const robustList = { address: robust.getUint32(0, true), bytes: robust.getUint32(4, true) };

  const clearTid = questions.ask("prctl", PR_GET_TID_ADDRESS, ANSWER, 0, 0, 0);
  const signalStack = questions.ask("sigaltstack", 0, ANSWER);
  const credentials = askCredentials(questions);
  const flags = askThreadFlags(questions);
  yield* questions.put(stub, tracee, room);

  const path = `/proc/${pid}/task/${tid}/status`;
  const status = known ?? parseFields(yield* readText(stub, path));
  const name = (yield* readText(stub, `/proc/${pid}/task/${tid}/comm`)).replace(/\n$/, "");
  return {
    tid,
    name,
    registers: restartCall(registers),
    fpx: yield* getFpx(stub, tid),
    threadAreas: yield* getThreadAreas(stub, tid),
    signalMask,
    pending: yield* peekSignals(stub, tid, false),
    signalStack: signalStack().result.slice(0, STACK_T_BYTES),
    robustList,
    clearTid: new DataView(clearTid().result.buffer).getUint32(0, true),
    rseq,
    credentials: credentials(status),
    scheduling: yield* captureScheduling(stub, tid),
    seccomp: yield* captureSeccomp(stub, tid, status),
    flags: flags(),
  };
}
