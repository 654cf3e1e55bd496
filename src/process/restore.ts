/**
 * Making the processes of an image on a running kernel.
 *
 * References:
 * - [clone3(2)] set_tid; [sigaction(2)]
 */
import { readText } from "../guest/files.js";
import type { Program } from "../guest/gate.js";
import { parseMaps } from "../guest/procfs.js";
import type { Room } from "../guest/inside.js";
import { LAST_SIGNAL } from "../guest/signals.js";
import type { Stub } from "../guest/stub-session.js";
import type { GuestAccess } from "../machine/resident.js";
import { becomeProcess } from "./become-process.js";
import { continueClocks } from "./clocks.js";
import { bringForward } from "./controlling-terminal.js";
import { createCrew, type Crew, type Job } from "./crew.js";
import { CannotCarry } from "./files/file-kind.js";
import type { ProcessImage, TreeImage } from "./image.js";
import {
  closeFiles,
  openFiles,
  openProcessFiles,
  restoreDescriptors,
  restoreLocks,
} from "./restore-files.js";
import { restoreMemory, type StubAreas } from "./restore-memory.js";
import { restoreProcess, restoreThread } from "./restore-process.js";
import { removeSegments, restoreSystemV } from "./restore-system-v.js";
import { restoreShmFiles } from "./shm-files.js";
import { makePosixTimers } from "./timers.js";
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
  yield* restoreSystemV(stub, image.systemV);
  yield* restoreShmFiles(stub, image.shmFiles);
  // Terminals must be there for the sessions that they control.
  const opened = yield* openFiles(stub, image.files);
  yield* startTree(stub, crew, image);
  yield* openProcessFiles(stub, image.files, opened);
  yield* everyProcess(
    stub,
    crew,
    image,
    (process) => (member) => restoreMemory(member, areas, process, opened.descriptors),
  );
  yield* removeSegments(stub, image.systemV);

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
