/**
 * Making the processes of an image on a running kernel.
 *
 * References:
 * - [clone3(2)] set_tid; [setsid(2)], [setpgid(2)], [ioctl_tty(2)]
 * - [iopl(2)]: children inherit the privilege, so each process gives it back
 */
import { listNumbers, readText } from "../guest/files.js";
import type { Program } from "../guest/gate.js";
import { parseMaps } from "../guest/procfs.js";
import {
  callInside,
  getRegisters,
  letGo,
  setFpx,
  setRegisters,
  setSignalMask,
  stopTask,
} from "../guest/ptrace.js";
import { WAKE } from "../guest/command-loop.js";
import { LAST_SIGNAL, signalSet } from "../guest/signals.js";
import { STUB_AREA } from "../guest/stub.js";
import type { Stub } from "../guest/stub-session.js";
import type { GuestAccess } from "../machine/resident.js";
import { findInt80 } from "./capture-process.js";
import { continueClocks } from "./clocks.js";
import { createCrew, type Crew, type Job } from "./crew.js";
import { CannotCarry } from "./files/file-kind.js";
import { finishFile, openFile } from "./files/kinds.js";
import type { ProcessImage, ThreadImage, TreeImage } from "./image.js";
import { restoreMemory, type StubAreas } from "./restore-memory.js";
import { restoreDescriptors, restoreProcess, restoreThread } from "./restore-process.js";

const SIGKILL = 9;
const SIGSTOP = 19;
const TIOCSPGRP = 0x5410;
const TIOCSCTTY = 0x540e;
const STEAL = 1;
const O_RDWR_NOCTTY = 0o402;

/**
 * Makes the processes of an image, stopped before their next instruction; `release` lets them go. Until
 * then they end with the stub.
 *
 * @throws {CannotCarry} if this system has not got what they need
 */
export function* restore(stub: Stub, access: GuestAccess, image: TreeImage): Program<void> {
  const own = yield* stub.call("getpid");
  yield* checkPids(stub, image);
  yield* continueClocks(stub, access, image.clocks);
  for (let signal = 1; signal <= LAST_SIGNAL; signal++) {
    const byDefault = new Uint8Array(20);
    if (signal !== SIGKILL && signal !== SIGSTOP) {
      yield* stub.call("rt_sigaction", signal, byDefault, 0, 8);
    }
  }
  const areas = yield* ownAreas(stub);
  const crew = createCrew(own);
  for (const process of image.processes) {
    if (process.parent === null) yield* stub.fork(process.pid, crew.member(process.pid));
  }
  yield* startTree(stub, crew, image.processes);
  yield* everyProcess(
    stub,
    crew,
    image,
    (process) => (member) => restoreMemory(member, areas, process),
  );

  const context = { shared: new Map<string, unknown>() };
  const opened: number[] = [];
  for (const file of image.files) opened.push(yield* openFile(stub, file, context));
  for (const [index, file] of image.files.entries()) {
    yield* finishFile(stub, file, opened[index] ?? -1, context);
  }
  yield* everyProcess(
    stub,
    crew,
    image,
    (process) => (member) => restoreDescriptors(member, process, own, opened),
  );
  yield* everyProcess(stub, crew, image, (process) => (member) => restoreGroup(member, process));
  yield* everyProcess(stub, crew, image, (process) => (member) => bringForward(member, process));
  yield* everyProcess(stub, crew, image, (process) => (member) => restoreProcess(member, process));
  yield* startThreads(stub, crew, image);
  const threads = image.processes.flatMap((process) =>
    process.threads.map((thread) => ({ process, thread })),
  );
  const wakesAt = new Map<number, number>();
  yield* crew.run(
    stub,
    threads.map(({ process, thread }) => [
      thread.tid,
      function* (member) {
        // What it takes to look for signals once more, when this stub does nothing by itself any more.
        member.memory.write(member.out, wakesNow());
        wakesAt.set(thread.tid, member.out);
        yield* restoreThread(member, process, thread);
      },
    ]),
  );
  for (const process of image.processes) yield* becomeProcess(stub, process, wakesAt);
}

/** Arguments of [rt_sigtimedwait(2)]: the set of WAKE alone, and a time of zero. */
function wakesNow(): Uint8Array {
  const args = new Uint8Array(16);
  args.set(signalSet([WAKE]));
  return args;
}

/** Lets the processes of an image go on that `restore` has made. */
export function* release(stub: Stub, image: TreeImage): Program<void> {
  for (const { pid, stoppedBy, threads } of image.processes) {
    if (stoppedBy !== null) yield* stub.call("kill", pid, stoppedBy);
    for (const { tid } of threads) yield* letGo(stub, tid);
  }
}

function* checkPids(stub: Stub, { processes }: TreeImage): Program<void> {
  const taken = new Set(yield* listNumbers(stub, "/proc"));
  for (const { threads } of processes) {
    for (const { tid } of threads) {
      if (taken.has(tid)) throw new CannotCarry(`the process id ${tid} is taken here`);
    }
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

/** Has every process start its children: before it begins its own session those that are in its parent's. */
function* startTree(stub: Stub, crew: Crew, processes: readonly ProcessImage[]): Program<void> {
  // Parents stand before their children, so each is there when it is asked.
  for (const process of processes) {
    const children = processes.filter(({ parent }) => parent === process.pid);
    const leads = process.session === process.pid;
    const early = children.filter(
      (child) => leads && child.session !== process.pid && child.session !== child.pid,
    );
    const late = children.filter((child) => !early.includes(child));
    const job: Job = function* (member) {
      for (const { pid } of early) yield* member.fork(pid, crew.member(pid));
      if (leads) yield* member.call("setsid");
      for (const { pid } of late) yield* member.fork(pid, crew.member(pid));
    };
    yield* crew.run(stub, [[process.pid, job]]);
  }
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

/** Process group, and for a session leader its terminal. */
function* restoreGroup(stub: Stub, process: ProcessImage): Program<void> {
  const { pid, group, session, controllingTerminal } = process;
  if (session !== pid) yield* stub.call("setpgid", 0, group);
  if (session !== pid || controllingTerminal === null) return;
  const fd = yield* stub.call("open", controllingTerminal.path, O_RDWR_NOCTTY);
  yield* stub.call("ioctl", fd, TIOCSCTTY, STEAL);
  yield* stub.call("close", fd);
}

/** For a session leader, which group is in front at its terminal: once the groups are there. */
function* bringForward(stub: Stub, process: ProcessImage): Program<void> {
  const { pid, session, controllingTerminal } = process;
  if (session !== pid || controllingTerminal === null) return;
  const fd = yield* stub.call("open", controllingTerminal.path, O_RDWR_NOCTTY);
  const foreground = new Uint8Array(Int32Array.of(controllingTerminal.foreground).buffer);
  // The group in front may have ended, or not be of the tree.
  yield* stub.attempt("ioctl", fd, TIOCSPGRP, foreground);
  yield* stub.call("close", fd);
}

/** Takes the stub out of a process, and gives its threads their registers; they stay stopped. */
function* becomeProcess(
  stub: Stub,
  process: ProcessImage,
  wakesAt: ReadonlyMap<number, number>,
): Program<void> {
  const { vdso, pid } = process;
  if (vdso === null) throw new CannotCarry(`process ${pid} had no vDSO`);
  const gadget = vdso.address + findInt80(vdso.image, pid);
  for (const [index, thread] of process.threads.entries()) {
    const { tid } = thread;
    yield* stopTask(stub, tid, "is-killed");
    const tracee = { tid, registers: yield* getRegisters(stub, tid), gadget };
    yield* callInside(stub, tracee, "iopl", 0);
    // A wake that came while it was awake would kill the process.
    const at = wakesAt.get(tid) ?? 0;
    while ((yield* callInside(stub, tracee, "rt_sigtimedwait", at, 0, at + 8, 8)) > 0);
    if (index === process.threads.length - 1) {
      const bytes = STUB_AREA.end - STUB_AREA.start;
      yield* callInside(stub, tracee, "munmap", STUB_AREA.start, bytes);
    }
    yield* putRegisters(stub, thread);
  }
}

function* putRegisters(stub: Stub, thread: ThreadImage): Program<void> {
  const { tid, fpx, signalMask, registers } = thread;
  yield* setFpx(stub, tid, fpx);
  yield* setSignalMask(stub, tid, signalMask);
  yield* setRegisters(stub, tid, registers);
}
