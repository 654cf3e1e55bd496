/**
 * Restartable sequences: code of a thread that starts anew when the thread was interrupted in it. The
 * kernel notes that itself at the next return to the program, and forgets it if the program is elsewhere
 * by then: as it is when calls are made inside of a stopped thread. So the note is put back.
 *
 * References:
 * - [rseq(2)]; `struct rseq`, include/uapi/linux/rseq.h
 */
import { z } from "zod";
import type { Program } from "../guest/gate.js";
import { getRseq } from "../guest/ptrace.js";
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

/** Offset of `rseq_cs` in the area, in bytes. */
const SEQUENCE = 8;
const SEQUENCE_BYTES = 4;
const O_RDWR = 2;

/**
 * Reads the area of a stopped thread in which no call has been made yet; null if it has none.
 *
 * @param mem `/proc/PID/mem` of its process
 */
export function* captureRseq(stub: Stub, mem: number, tid: number): Program<Rseq | null> {
  const area = yield* getRseq(stub, tid);
  if (area === null) return null;
  yield* stub.call("pread64", mem, stub.out, SEQUENCE_BYTES, area.address + SEQUENCE, 0);
  return { ...area, sequence: stub.view(SEQUENCE_BYTES).getUint32(0, true) };
}

/** Tells the kernel again in which sequence a stopped thread is, after the last call in it. */
export function* putBackSequence(stub: Stub, tid: number, rseq: Rseq | null): Program<void> {
  if (rseq === null || rseq.sequence === 0) return;
  const mem = yield* stub.call("open", `/proc/${tid}/mem`, O_RDWR);
  const sequence = new Uint8Array(Uint32Array.of(rseq.sequence).buffer);
  yield* stub.call("pwrite64", mem, sequence, SEQUENCE_BYTES, rseq.address + SEQUENCE, 0);
  yield* stub.call("close", mem);
}
