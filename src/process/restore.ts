/**
 * Making the processes of an image on a running kernel.
 *
 * References:
 * - [clone3(2)] set_tid; [setsid(2)], [setpgid(2)], [ioctl_tty(2)]
 * - [iopl(2)]: children inherit the privilege, so each process gives it back
 */
import { readText } from "../guest/files.js";
import type { Program } from "../guest/gate.js";
import { parseMaps } from "../guest/procfs.js";
import {
  callInside,
  getRegisters,
  interruptInside,
  letGo,
  setFpx,
  setRegisters,
  setSignalMask,
  stopTask,
} from "../guest/ptrace.js";
import { openInside, type Room } from "../guest/inside.js";
import { LAST_SIGNAL } from "../guest/signals.js";
import { STUB_AREA } from "../guest/stub.js";
import type { Stub } from "../guest/stub-session.js";
import type { GuestAccess } from "../machine/resident.js";
import { findInt80 } from "./capture-process.js";
import { restoreCgroups } from "./cgroups.js";
import { continueClocks } from "./clocks.js";
import { bringForward } from "./controlling-terminal.js";
import { createCrew, type Crew, type Job } from "./crew.js";
import { restoreCredentials } from "./credentials.js";
import { CannotCarry } from "./files/file-kind.js";
import { restoreIdFlag } from "./id-flag.js";
import type { ProcessImage, ThreadImage, TreeImage } from "./image.js";
import { dropSignals, queueSignals } from "./pending-signals.js";
import { sleepOf } from "./restart.js";
import { closeFiles, openFiles, restoreDescriptors, restoreLocks } from "./restore-files.js";
import { restoreMemory, type StubAreas } from "./restore-memory.js";
import { restoreProcessFlags, restoreThreadFlags } from "./prctl-flags.js";
import { restoreLimits, restoreProcess, restoreThread } from "./restore-process.js";
import { restoreScheduling } from "./scheduling.js";
import { restoreSeccomp } from "./seccomp.js";
import { armTimers, makePosixTimers } from "./timers.js";
import { joinGroups, startTree } from "./tree.js";

const SIGKILL = 9;
const SIGSTOP = 19;

/**
 * Makes the processes of an image, stopped before their next instruction; `release` lets them go. Until
 * then they end with the stub.
 *
 * @throws {CannotCarry} if this system has not got what they need
 */
export function* restore(stub: Stub, access: GuestAccess, image: TreeImage): Program<void> {
  const own = yield* stub.call("getpid");
  yield* continueClocks(stub, access, image.clocks);
  for (let signal = 1; signal <= LAST_SIGNAL; signal++) {
    const byDefault = new Uint8Array(20);
    if (signal !== SIGKILL && signal !== SIGSTOP) {
      yield* stub.call("rt_sigaction", signal, byDefault, 0, 8);
    }
  }
  const areas = yield* ownAreas(stub);
  const crew = createCrew(own);
  // Terminals must be there for the sessions that they control.
  const opened = yield* openFiles(stub, image.files);
  yield* startTree(stub, crew, image);
  yield* everyProcess(
    stub,
    crew,
    image,
    (process) => (member) => restoreMemory(member, areas, process, opened.descriptors),
  );

  yield* everyProcess(
    stub,
    crew,
    image,
    (process) => (member) => restoreDescriptors(member, process, image, opened),
  );
  yield* joinGroups(stub, crew, image);
  yield* everyProcess(stub, crew, image, (process) => (member) => bringForward(member, process));
  yield* everyProcess(stub, crew, image, (process) => (member) => restoreProcess(member, process));
  yield* startThreads(stub, crew, image);
  yield* everyProcess(stub, crew, image, (process) => (member) => restoreLocks(member, process));
  yield* closeFiles(stub);
  const threads = image.processes.flatMap((process) =>
    process.threads.map((thread) => ({ process, thread })),
  );
  const rooms = new Map<number, Room>();
  yield* crew.run(
    stub,
    threads.map(({ process, thread }) => [
      thread.tid,
      function* (member) {
        rooms.set(thread.tid, { memory: member.memory, at: member.out });
        if (thread.tid === process.pid) yield* makePosixTimers(member, process.posixTimers);
        yield* restoreThread(member, thread);
      },
    ]),
  );
  for (const process of image.processes) yield* becomeProcess(stub, process, rooms);
}

/** Lets the processes of an image go on that `restore` has made. */
export function* release(stub: Stub, image: TreeImage): Program<void> {
  for (const { pid, stoppedBy, threads } of image.processes) {
    if (stoppedBy !== null) yield* stub.call("kill", pid, stoppedBy);
    for (const { tid } of threads) yield* letGo(stub, tid);
  }
}

function* ownAreas(stub: Stub): Program<StubAreas> {
  const maps = parseMaps(yield* readText(stub, "/proc/self/maps"));
  const vdso = maps.find(({ path }) => path === "[vdso]");
  if (vdso === undefined) throw new CannotCarry("this kernel gives its processes no vDSO");
  // By way of the kernel: a page that was not used yet is not there to be read.
  const mem = yield* stub.call("open", "/proc/self/mem", 0);
  const bytes = vdso.end - vdso.start;
  yield* stub.call("pread64", mem, stub.out, bytes, vdso.start, 0);
  const vdsoImage = stub.results(bytes);
  yield* stub.call("close", mem);
  return { maps, vdsoImage };
}

function everyProcess(
  stub: Stub,
  crew: Crew,
  { processes }: TreeImage,
  job: (process: ProcessImage) => Job,
): Program<void> {
  return crew.run(
    stub,
    processes.map((process) => [process.pid, job(process)] as const),
  );
}

function* startThreads(stub: Stub, crew: Crew, image: TreeImage): Program<void> {
  yield* everyProcess(
    stub,
    crew,
    image,
    ({ pid, threads }) =>
      function* (member) {
        for (const { tid } of threads) {
          if (tid !== pid) yield* member.thread(tid, crew.member(tid));
        }
      },
  );
}

/**
 * Takes the stub out of a process, and gives its threads their rights and their registers; they stay
 * stopped. From here on the process could no longer do anything for itself.
 */
function* becomeProcess(
  stub: Stub,
  process: ProcessImage,
  rooms: ReadonlyMap<number, Room>,
): Program<void> {
  const { vdso, pid } = process;
  if (vdso === null) throw new CannotCarry(`process ${pid} had no vDSO`);
  const gadget = vdso.address + findInt80(vdso.image, pid);
  for (const [index, thread] of process.threads.entries()) {
    const { tid } = thread;
    yield* stopTask(stub, tid, "is-killed");
    const tracee = { tid, registers: yield* getRegisters(stub, tid), gadget };
    yield* callInside(stub, tracee, "iopl", 0);
    const room = rooms.get(tid);
    if (room === undefined) throw new RangeError(`the thread ${tid} has no room`);
    const inside = openInside(stub, tracee, room);
    yield* restoreIdFlag(stub, tracee, room, thread.registers);
    yield* dropSignals(inside);
    yield* queueSignals(inside, pid, tid, thread.pending);
    if (index === 0) {
      yield* queueSignals(inside, pid, null, process.pending);
      yield* armTimers(inside, process.intervalTimers, process.posixTimers);
    }
    yield* restoreSeccomp(inside, thread.seccomp);
    yield* restoreCredentials(inside, thread.credentials);
    yield* restoreThreadFlags(inside, thread.flags);
    if (index === process.threads.length - 1) {
      yield* restoreProcessFlags(stub, inside, pid, process.flags);
      const bytes = STUB_AREA.end - STUB_AREA.start;
      yield* callInside(stub, tracee, "munmap", STUB_AREA.start, bytes);
    }
    const sleep = sleepOf(thread.registers);
    if (sleep !== null) yield* interruptInside(stub, tracee, sleep.call, ...sleep.args);
    yield* putRegisters(stub, thread);
    yield* restoreScheduling(stub, tid, thread.scheduling);
  }
  yield* restoreCgroups(stub, pid, process.cgroups);
  yield* restoreLimits(stub, process);
}

function* putRegisters(stub: Stub, thread: ThreadImage): Program<void> {
  const { tid, fpx, signalMask, registers } = thread;
  yield* setFpx(stub, tid, fpx);
  yield* setSignalMask(stub, tid, signalMask);
  yield* setRegisters(stub, tid, registers);
}
