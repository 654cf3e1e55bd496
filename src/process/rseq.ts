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
/** How far behind the thread pointer a C library keeps the area at most: glibc, in its own part of a thread's memory. */
const FARTHEST = 4096;
const UNREGISTER = 1;
/** RSEQ_SIG of x86, which all libraries use, and one that nobody does. */
const SIGNATURE = 0x53053053;
const NO_SIGNATURE = 0;
const EPERM = 1;
const O_RDWR = 2;

/**
 * Reads the area of a stopped thread in which no call has been made yet; null if it has none.
 *
 * @param mem `/proc/PID/mem` of its process
 */
export function* captureRseq(stub: Stub, mem: number, tracee: Tracee): Program<Rseq | null> {
  const area = yield* getRseq(stub, tracee.tid);
  if (area === "untold") return yield* findRseq(stub, mem, tracee);
  if (area === null) return null;
  yield* stub.call("pread64", mem, stub.out, SEQUENCE_BYTES, area.address + SEQUENCE, 0);
  return { ...area, sequence: stub.view(SEQUENCE_BYTES).getUint32(0, true) };
}

/**
 * Looks for the area where a C library would have it. A thread that is to give an area up with a wrong
 * signature is told so if it is the area that it has, and that it is wrong if it is not.
 */
function* findRseq(stub: Stub, mem: number, tracee: Tracee): Program<Rseq | null> {
  const pointer = threadPointer(yield* getThreadAreas(stub, tracee.tid), tracee.registers.gs);
  if (pointer === null) return null;
  const length = yield* stub.attempt("pread64", mem, stub.out, FARTHEST, pointer, 0);
  if (length < AREA_BYTES) return null;
  const content = stub.view(length);
  // What is in them is read before a call inside makes the kernel forget the sequence.
  const candidates: Rseq[] = [];
  const first = (AREA_BYTES - (pointer % AREA_BYTES)) % AREA_BYTES;
  for (let at = first; at + AREA_BYTES <= content.byteLength; at += AREA_BYTES) {
    // A registered area names its processor twice.
    if (content.getUint32(at, true) !== content.getUint32(at + 4, true)) continue;
    const sequence = content.getUint32(at + SEQUENCE, true);
    candidates.push({
      address: pointer + at,
      bytes: AREA_BYTES,
      signature: SIGNATURE,
      sequence,
    });
  }
  for (const area of candidates) {
    const args = [area.address, AREA_BYTES, UNREGISTER, NO_SIGNATURE];
    if ((yield* callInside(stub, tracee, "rseq", ...args)) === -EPERM) return area;
  }
  return null;
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
