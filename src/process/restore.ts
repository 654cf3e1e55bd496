/**
 * Making the processes of an image on a running kernel.
 *
 * References:
 * - [clone3(2)] set_tid; [sigaction(2)]
 */
import type { Program } from "../guest/gate.js";
import type { Room } from "../guest/inside.js";
import type { Stub } from "../guest/stub-session.js";
import type { GuestAccess } from "../machine/resident.js";
import { becomeProcess } from "./become-process.js";
import { bringForward } from "./controlling-terminal.js";
import { restoreIdentity } from "./credentials.js";
import { type Crew, endWithParent, type Job } from "./crew.js";
import type { ProcessImage, TreeImage } from "./image.js";
import {
  closeFiles,
  openFiles,
  openProcessFiles,
  restoreDescriptors,
  restoreLocks,
} from "./restore-files.js";
import type { ChangedImage, OutlinedProcess } from "./outline.js";
import { type PreparedTree, prepareTree } from "./prepared-tree.js";
import { restoreMemory, takenBy } from "./restore-memory.js";
import { restoreProcess, restoreThread } from "./restore-process.js";
import { removeSegments, restoreSystemV } from "./restore-system-v.js";
import { restoreShmFiles } from "./shm-files.js";
import { makePosixTimers } from "./timers.js";
import { joinGroups } from "./tree.js";

/**
 * Makes the processes of an image, stopped before their next instruction; `release` lets them go. Until
 * then they end with the stub.
 *
 * @throws {CannotCarry} if this system has not got what they need
 */
export function* restore(stub: Stub, access: GuestAccess, image: TreeImage): Program<void> {
  const outline = { ...image, processes: image.processes.map(withoutMemory), paths: [] };
  const keepFree = new Map(image.processes.map((process) => [process.pid, takenBy(process)]));
  const prepared = yield* prepareTree(stub, access, outline, keepFree);
  yield* restoreInto(stub, prepared, { image, gone: new Map() });
}

function withoutMemory(process: ProcessImage): OutlinedProcess {
  const none = { addresses: new Uint32Array(), content: new Uint8Array() };
  return { ...process, mappings: [], pages: none };
}

/** The same where the processes have been prepared, from an outline of the image. */
export function* restoreInto(
  stub: Stub,
  { crew, areas, memory, rights, opened: context }: PreparedTree,
  { image, gone }: ChangedImage,
): Program<void> {
  yield* restoreSystemV(stub, image.systemV);
  yield* restoreShmFiles(stub, image.shmFiles);
  const opened = yield* openFiles(stub, image.files, context);
  yield* openProcessFiles(stub, image.files, opened);
  yield* everyProcess(
    stub,
    crew,
    image,
    (process) =>
      function* (member) {
        const prepared = memory.get(process.pid);
        if (prepared === undefined) throw new RangeError(`${process.pid} was not prepared`);
        yield* restoreMemory(member, areas, prepared, process, {
          opened,
          gone: gone.get(process.pid) ?? new Uint32Array(),
        });
      },
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
        if (thread.tid === process.pid) {
          rooms.set(process.pid, { memory: member.memory, at: member.out });
          yield* makePosixTimers(member, process.posixTimers);
        }
        yield* restoreThread(member, thread);
        yield* restoreIdentity(member, rights, thread.credentials);
        yield* endWithParent(member);
      },
    ]),
  );
  for (const process of image.processes) {
    const room = rooms.get(process.pid);
    if (room === undefined) throw new RangeError(`the process ${process.pid} has no room`);
    yield* becomeProcess(stub, process, { room, rights });
  }
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
