/**
 * Making a stub into the process of an image, but for its registers.
 *
 * References:
 * - [prctl(2)] PR_SET_MM_MAP, PR_SET_NAME; [set_thread_area(2)], [set_robust_list(2)], [rseq(2)]
 * - [capabilities(7)], [credentials(7)]
 */
import type { Program } from "../guest/gate.js";
import { writeFile } from "../guest/files.js";
import type { Stub } from "../guest/stub-session.js";
import type { ProcessImage, ThreadImage } from "./image.js";

const PR_SET_DUMPABLE = 4;
const PR_SET_KEEPCAPS = 8;
const PR_SET_NAME = 15;
const PR_CAPBSET_DROP = 24;
const PR_SET_MM = 35;
const PR_SET_MM_MAP = 14;
const PR_SET_NO_NEW_PRIVS = 38;
const PR_CAP_AMBIENT = 47;
const PR_CAP_AMBIENT_RAISE = 2;
const CAPABILITY_VERSION_3 = 0x20080522;
const LAST_CAPABILITY = 40;
const O_CLOEXEC = 0o2000000;
/** Descriptors that the stub needs while it takes those of the process; below the usual limit of 1024. */
const HIGH_DESCRIPTOR = 1000;
const CLOSE_ALL_FROM = 0;

/** Takes the descriptors of a process out of the stub that has opened them. */
export function* restoreDescriptors(
  stub: Stub,
  { descriptors }: ProcessImage,
  opener: number,
  opened: readonly number[],
): Program<void> {
  const pidfd = HIGH_DESCRIPTOR;
  yield* stub.call("close_range", CLOSE_ALL_FROM, -1, 0);
  const low = yield* stub.call("pidfd_open", opener, 0);
  yield* stub.call("dup3", low, pidfd, O_CLOEXEC);
  yield* stub.call("close", low);
  for (const { number, file, closeOnExec } of descriptors) {
    const source = opened[file];
    if (source === undefined) throw new RangeError(`descriptor ${number} is of no file`);
    // The lowest free number: never above the one wanted, since those below it are taken or unused.
    const fd = yield* stub.call("pidfd_getfd", pidfd, source, 0);
    const flags = closeOnExec ? O_CLOEXEC : 0;
    if (fd === number) {
      yield* stub.call("fcntl64", fd, 2, closeOnExec ? 1 : 0);
    } else {
      yield* stub.call("dup3", fd, number, flags);
      yield* stub.call("close", fd);
    }
  }
  yield* stub.call("close", pidfd);
}

/** All that belongs to the process as a whole and needs the rights of the stub. */
export function* restoreProcess(stub: Stub, process: ProcessImage): Program<void> {
  const { actions, pending, intervalTimers, limits, pid } = process;
  for (const { signal, action } of actions) {
    yield* stub.call("rt_sigaction", signal, action, 0, 8);
  }
  for (const info of pending) yield* stub.call("rt_sigqueueinfo", pid, signalOf(info), info);
  for (const [which, value] of intervalTimers.entries()) {
    if (value.some((byte) => byte !== 0)) yield* stub.call("setitimer", which, value, 0);
  }
  yield* restoreLayout(stub, process);
  yield* writeFile(stub, "/proc/self/oom_score_adj", String(process.oomScoreAdjustment));
  if (process.rootDirectory !== "/") yield* stub.call("chroot", process.rootDirectory);
  yield* stub.call("chdir", insideRoot(process));
  yield* stub.call("umask", process.umask);
  for (const [resource, [soft, hard]] of limits.entries()) {
    const limit = new Uint8Array(BigUint64Array.of(soft, hard).buffer);
    yield* stub.call("prlimit64", 0, resource, limit, 0);
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

/** All that belongs to a thread, but for its registers; its rights go last. */
export function* restoreThread(
  stub: Stub,
  process: ProcessImage,
  thread: ThreadImage,
): Program<void> {
  const { tid, name, threadAreas, robustList, clearTid, signalStack, rseq, pending } = thread;
  yield* stub.call("prctl", PR_SET_NAME, name, 0, 0, 0);
  for (const area of threadAreas) yield* stub.call("set_thread_area", area);
  if (robustList.address !== 0) {
    yield* stub.call("set_robust_list", robustList.address, robustList.bytes);
  }
  yield* stub.call("set_tid_address", clearTid);
  if (new DataView(signalStack.buffer, signalStack.byteOffset).getUint32(8, true) !== 0) {
    yield* stub.call("sigaltstack", signalStack, 0);
  }
  for (const info of pending) {
    yield* stub.call("rt_tgsigqueueinfo", process.pid, tid, signalOf(info), info);
  }
  if (rseq !== null) {
    yield* stub.call("rseq", rseq.address, rseq.bytes, 0, rseq.signature);
  }
  yield* restoreCredentials(stub, process.credentials);
}

function* restoreCredentials(
  stub: Stub,
  { uids, gids, groups, capabilities, noNewPrivileges }: ProcessImage["credentials"],
): Program<void> {
  const [inheritable = 0n, permitted = 0n, effective = 0n, bounding = 0n, ambient = 0n] =
    capabilities;
  const [uid = 0, euid = 0, suid = 0, fsuid = 0] = uids;
  const [gid = 0, egid = 0, sgid = 0, fsgid = 0] = gids;
  for (let capability = 0; capability <= LAST_CAPABILITY; capability++) {
    if ((bounding & (1n << BigInt(capability))) === 0n) {
      yield* stub.attempt("prctl", PR_CAPBSET_DROP, capability, 0, 0, 0);
    }
  }
  yield* stub.call("setgroups32", groups.length, new Uint8Array(Uint32Array.from(groups).buffer));
  yield* stub.call("setresgid32", gid, egid, sgid);
  yield* stub.call("setfsgid32", fsgid);
  // Else the change of user takes the capabilities away before they are set.
  yield* stub.call("prctl", PR_SET_KEEPCAPS, 1, 0, 0, 0);
  yield* stub.call("setresuid32", uid, euid, suid);
  yield* stub.call("setfsuid32", fsuid);
  const header = new Uint8Array(Int32Array.of(CAPABILITY_VERSION_3, 0).buffer);
  const low = (set: bigint): number => Number(set & 0xffffffffn);
  const high = (set: bigint): number => Number(set >> 32n);
  const sets = [effective, permitted, inheritable];
  const data = Uint32Array.from([...sets.map(low), ...sets.map(high)]);
  yield* stub.call("capset", header, new Uint8Array(data.buffer));
  for (let capability = 0; capability <= LAST_CAPABILITY; capability++) {
    if ((ambient & (1n << BigInt(capability))) !== 0n) {
      yield* stub.call("prctl", PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0);
    }
  }
  yield* stub.call("prctl", PR_SET_KEEPCAPS, 0, 0, 0, 0);
  if (noNewPrivileges) yield* stub.call("prctl", PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  yield* stub.call("prctl", PR_SET_DUMPABLE, 1, 0, 0, 0);
}

/** The signal that a `siginfo_t` tells of. */
function signalOf(info: Uint8Array): number {
  return new DataView(info.buffer, info.byteOffset).getInt32(0, true);
}
