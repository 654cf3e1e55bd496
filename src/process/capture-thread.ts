import type { Program } from "../guest/gate.js";
import { readText } from "../guest/files.js";
import {
  callInside,
  getFpx,
  getThreadAreas,
  peekSignals,
  type Registers,
  type Tracee,
} from "../guest/ptrace.js";
import { parseFields } from "../guest/procfs.js";
import type { Stub } from "../guest/stub-session.js";
import { captureCredentials } from "./credentials.js";
import type { ThreadImage } from "./image.js";
import { captureThreadFlags } from "./prctl-flags.js";
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

/** Memory of a stopped process through which results of calls made inside of it are read. */
export interface Window {
  /** Address in the process. */
  readonly address: number;
  read(length: number): Program<Uint8Array>;
}

/** Reads the state of a stopped thread, and leaves it as it was. */
export function* captureThread(
  stub: Stub,
  {
    pid,
    thread,
    gadget,
    window,
    rseq,
  }: {
    readonly pid: number;
    readonly thread: StoppedThread;
    readonly rseq: Rseq | null;
    readonly gadget: number;
    readonly window: Window;
  },
): Program<ThreadImage> {
  const { tid, signalMask, registers } = thread;
  const tracee: Tracee = { tid, registers, gadget };

  yield* stub.call("get_robust_list", tid, stub.out, stub.out + 4);
  const robust = stub.view(8);
  const robustList = { address: robust.getUint32(0, true), bytes: robust.getUint32(4, true) };

  yield* callInside(stub, tracee, "prctl", PR_GET_TID_ADDRESS, window.address);
  const clearTid = new DataView((yield* window.read(4)).buffer).getUint32(0, true);
  yield* callInside(stub, tracee, "sigaltstack", 0, window.address);
  const signalStack = yield* window.read(STACK_T_BYTES);

  const status = parseFields(yield* readText(stub, `/proc/${pid}/task/${tid}/status`));
  const name = (yield* readText(stub, `/proc/${pid}/task/${tid}/comm`)).replace(/\n$/, "");
  return {
    tid,
    name,
    registers: restartCall(registers),
    fpx: yield* getFpx(stub, tid),
    threadAreas: yield* getThreadAreas(stub, tid),
    signalMask,
    pending: yield* peekSignals(stub, tid, false),
    signalStack,
    robustList,
    clearTid,
    rseq,
    credentials: yield* captureCredentials(stub, tracee, status),
    scheduling: yield* captureScheduling(stub, tid),
    seccomp: yield* captureSeccomp(stub, tid, status),
    flags: yield* captureThreadFlags(stub, tracee, window),
  };
}
