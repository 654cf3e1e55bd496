/**
 * Restartable sequences: code of a thread that starts anew when the thread was interrupted in it. The
 * kernel notes that itself at the next return to the program, and forgets it if the program is elsewhere
 * by then: as it is when calls are made inside of a stopped thread. So the note is put back.
 *
 * References:
 * - [rseq(2)]; `struct rseq`, include/uapi/linux/rseq.h; RSEQ_FLAG_UNREGISTER, kernel/rseq.c
 */
import { z } from "zod";
import type { Program } from "../guest/gate.js";
import { getRseq, getThreadAreas } from "../guest/ptrace.js";
import { callInside, type Tracee } from "../guest/tracee.js";
import type { Stub } from "../guest/stub-session.js";
import { CannotCarry } from "./files/file-kind.js";

const u32 = z
  .int()
  .min(0)
  .max(2 ** 32 - 1);

/** @see Rseq */
export const rseqSchema = z.strictObject({
  address: u32,
  bytes: u32,
  signature: u32,
  /** Address of the description of the sequence that the thread was in; 0 for none. */
  sequence: u32,
});

/** The area that a thread has registered. */
export type Rseq = Readonly<z.infer<typeof rseqSchema>>;

/** `struct rseq`, in bytes; it is aligned to as many. */
const AREA_BYTES = 32;
/** Offset of `rseq_cs` in the area, in bytes. */
const SEQUENCE = 8;
const SEQUENCE_BYTES = 4;
const PAGE_BYTES = 4096;
const UNREGISTER = 1;
/** RSEQ_SIG of x86, which all libraries use, and one that nobody does. */
const SIGNATURE = 0x53053053;
const NO_SIGNATURE = 0;
/** An address of the kernel's, where no area can be. */
const NOWHERE = 0xffff_ffe0;
const EPERM = 1;
const EINVAL = 22;
const O_RDWR = 2;

/** Reads the area of a stopped thread in which no call has been made yet; null if it has none. `mem` is `/proc/PID/mem`. */
export type ReadRseq = (stub: Stub, mem: number, tracee: Tracee) => Program<Rseq | null>;

/**
 * Makes a reader for the threads of one capture. Where the kernel does not tell an area (before Linux 5.13), it is
 * looked for in the thread's memory: first at the place where the last one was, since most programs have one C library.
 */
export function createRseqReader(): ReadRseq {
  /** From the thread pointer. */
  let usual: number | null = null;
  return function* (stub, mem, tracee) {
    const told = yield* getRseq(stub, tracee.tid);
    if (told === null) return null;
    if (told !== "untold") {
      yield* stub.call("pread64", mem, stub.out, SEQUENCE_BYTES, told.address + SEQUENCE, 0);
      return { ...told, sequence: stub.view(SEQUENCE_BYTES).getUint32(0, true) };
    }
    const pointer = threadPointer(yield* getThreadAreas(stub, tracee.tid), tracee.registers.gs);
    if (pointer === null) return null;
    // What is in them is read before a call inside makes the kernel forget the sequence.
    const candidates = yield* readCandidates(stub, mem, pointer);
    for (const area of candidates.filter(({ address }) => address - pointer === usual)) {
      if (yield* isRegistered(stub, tracee, area)) return area;
    }
    if (!(yield* hasArea(stub, tracee))) return null;
    for (const area of candidates) {
      if (!(yield* isRegistered(stub, tracee, area))) continue;
      usual = area.address - pointer;
      return area;
    }
    throw new CannotCarry(
      `the area of restartable sequences of thread ${tracee.tid} is not where a C library has it`,
    );
  };
}

/** What may be areas where a C library keeps them: in the page of the thread pointer, and in those beside it. */
function* readCandidates(stub: Stub, mem: number, pointer: number): Program<Rseq[]> {
  const candidates: Rseq[] = [];
  const page = pointer - (pointer % PAGE_BYTES);
  for (const from of [page - PAGE_BYTES, page, page + PAGE_BYTES]) {
    const length = yield* stub.attempt("pread64", mem, stub.out, PAGE_BYTES, from, 0);
    if (length < PAGE_BYTES) continue;
    const content = stub.view(length);
    for (let at = 0; at < length; at += AREA_BYTES) {
      // A registered area names its processor twice.
      if (content.getUint32(at, true) !== content.getUint32(at + 4, true)) continue;
      const sequence = content.getUint32(at + SEQUENCE, true);
      candidates.push({ address: from + at, bytes: AREA_BYTES, signature: SIGNATURE, sequence });
    }
  }
  return candidates;
}

/** A thread that is to register an area has its address looked at only if it has none yet. */
function* hasArea(stub: Stub, tracee: Tracee): Program<boolean> {
  const args = [NOWHERE, AREA_BYTES, 0, SIGNATURE];
  return (yield* callInside(stub, tracee, "rseq", ...args)) === -EINVAL;
}

/** A thread that is to give an area up with a wrong signature is told that only of the area that it has. */
function* isRegistered(stub: Stub, tracee: Tracee, { address }: Rseq): Program<boolean> {
  const args = [address, AREA_BYTES, UNREGISTER, NO_SIGNATURE];
  return (yield* callInside(stub, tracee, "rseq", ...args)) === -EPERM;
}

/** Where gs points to, by the thread's areas, each a `struct user_desc`; null if that is none of them. */
function threadPointer(areas: readonly Uint8Array[], gs: number): number | null {
  for (const area of areas) {
    const view = new DataView(area.buffer, area.byteOffset, area.length);
    if (view.getUint32(0, true) === (gs & 0xffff) >> 3) return view.getUint32(4, true);
  }
  return null;
}

/** Tells the kernel again in which sequence a stopped thread is, after the last call in it. */
export function* putBackSequence(stub: Stub, tid: number, rseq: Rseq | null): Program<void> {
  if (rseq === null || rseq.sequence === 0) return;
  const mem = yield* stub.call("open", `/proc/${tid}/mem`, O_RDWR);
  const sequence = new Uint8Array(Uint32Array.of(rseq.sequence).buffer);
  yield* stub.call("pwrite64", mem, sequence, SEQUENCE_BYTES, rseq.address + SEQUENCE, 0);
  yield* stub.call("close", mem);
}
