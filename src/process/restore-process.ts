/**
 * Making a stub into the process of an image, but for its registers.
 *
 * References:
 * - [prctl(2)] PR_SET_MM_MAP, PR_SET_NAME; [set_thread_area(2)], [set_robust_list(2)], [rseq(2)]
 */
import type { Program } from "../guest/gate.js";
import { writeFile } from "../guest/files.js";
import type { Stub } from "../guest/stub-session.js";
import type { ProcessImage, ThreadImage } from "./image.js";
import { restoreThreadFlags } from "./prctl-flags.js";

const PR_SET_NAME = 15;
const PR_SET_MM = 35;
const PR_SET_MM_MAP = 14;

/** All that belongs to the process as a whole and needs the rights of the stub. */
export function* restoreProcess(stub: Stub, process: ProcessImage): Program<void> {
  const { actions } = process;
  for (const { signal, action } of actions) {
    yield* stub.call("rt_sigaction", signal, action, 0, 8);
  }
  yield* restoreLayout(stub, process);
  yield* writeFile(stub, "/proc/self/oom_score_adj", String(process.oomScoreAdjustment));
  if (process.rootDirectory !== "/") yield* stub.call("chroot", process.rootDirectory);
  yield* stub.call("chdir", insideRoot(process));
  yield* stub.call("umask", process.umask);
}

/** Sets the limits of another process: they could keep the stub in it from its work. */
export function* restoreLimits(stub: Stub, { pid, limits }: ProcessImage): Program<void> {
  for (const [resource, [soft, hard]] of limits.entries()) {
    const limit = new Uint8Array(BigUint64Array.of(soft, hard).buffer);
    yield* stub.call("prlimit64", pid, resource, limit, 0);
  }
}

/** The working directory as a process sees it whose root has been changed. */
function insideRoot({ rootDirectory, workingDirectory }: ProcessImage): string {
  const inside = rootDirectory !== "/" && workingDirectory.startsWith(`${rootDirectory}/`);
  return inside ? workingDirectory.slice(rootDirectory.length) : workingDirectory;
}

function* restoreLayout(stub: Stub, process: ProcessImage): Program<void> {
  const { memoryLayout, auxiliaryVector, executable } = process;
  const exe = yield* stub.call("open", executable, 0);
  const auxvAt = stub.out;
  stub.memory.write(auxvAt, auxiliaryVector);
  const map = new DataView(new ArrayBuffer(100));
  for (const [index, address] of memoryLayout.entries()) map.setUint32(8 * index, address, true);
  map.setUint32(88, auxvAt, true);
  map.setUint32(92, auxiliaryVector.length, true);
  map.setInt32(96, exe, true);
  yield* stub.call("prctl", PR_SET_MM, PR_SET_MM_MAP, new Uint8Array(map.buffer), 100, 0);
  yield* stub.call("close", exe);
}

/** All that belongs to a thread and needs no stop of it. */
export function* restoreThread(stub: Stub, thread: ThreadImage): Program<void> {
  const { name, threadAreas, robustList, clearTid, signalStack, rseq } = thread;
  yield* stub.call("prctl", PR_SET_NAME, name, 0, 0, 0);
  for (const area of threadAreas) yield* stub.call("set_thread_area", area);
  if (robustList.address !== 0) {
    yield* stub.call("set_robust_list", robustList.address, robustList.bytes);
  }
  yield* stub.call("set_tid_address", clearTid);
  if (new DataView(signalStack.buffer, signalStack.byteOffset).getUint32(8, true) !== 0) {
    yield* stub.call("sigaltstack", signalStack, 0);
  }
  if (rseq !== null) {
    yield* stub.call("rseq", rseq.address, rseq.bytes, 0, rseq.signature);
  }
  yield* restoreThreadFlags(stub, thread.flags);
}
