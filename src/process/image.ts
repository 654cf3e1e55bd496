/**
 * A process image: all that is needed to go on with a tree of processes on another kernel. This schema
 * is its only definition; `docs/transplant.md` explains it.
 *
 * References:
 * - [criu] https://criu.org/Images: the same for CRIU, from which the terms are taken (pagemap, core, fdinfo)
 */
import { z } from "zod";
import { REGISTER_NAMES } from "../guest/ptrace.js";
import { bytes } from "./bytes-schema.js";
import { controlGroupSchema } from "./cgroups.js";
import { credentialsSchema } from "./credentials.js";
import { lockSchema } from "./file-locks.js";
import { ownerSchema } from "./file-owner.js";
import { fileSchema } from "./files/kinds.js";
import { processFlagsSchema, threadFlagsSchema } from "./prctl-flags.js";
import { rseqSchema } from "./rseq.js";
import { schedulingSchema } from "./scheduling.js";
import { seccompSchema } from "./seccomp.js";
import { shmFileSchema } from "./shm-files.js";
import { attachmentSchema, systemVSchema } from "./system-v.js";
import { posixTimerSchema } from "./timers.js";

const u32 = z
  .int()
  .min(0)
  .max(2 ** 32 - 1);
const pid = z.int().min(1).max(4_194_304);
const addresses = z.custom<Uint32Array>((value) => value instanceof Uint32Array, "not addresses");
const registers = z.strictObject(
  // Each name once: an object of signed 32-bit numbers.
  Object.fromEntries(REGISTER_NAMES.map((name) => [name, z.int32()])) as Record<
    (typeof REGISTER_NAMES)[number],
    z.ZodInt32
  >,
);

const mappingSchema = z.strictObject({
  /** First address, and the first one behind it; whole pages. */
  start: u32,
  end: u32,
  /** PROT_READ 1, PROT_WRITE 2, PROT_EXEC 4. */
  protection: z.int().min(0).max(7),
  /** Whether it grows down when it is touched below its start. */
  growsDown: z.boolean(),
  /** Locked in RAM, as by `mlock`. */
  locked: z.boolean(),
  /** Whether what is written to it is seen by all who have the same file mapped. */
  shared: z.boolean(),
  /** Offset in its file, in bytes. */
  offset: z.int().min(0),
  /** The file that it shows, by its path; null for anonymous memory. */
  file: z
    .strictObject({
      path: z.string(),
      /** Size in bytes and time of last change, in ns since 1970, that the file must have when it is mapped again. */
      size: z.int().min(0),
      changedNs: z.bigint(),
    })
    .nullable(),
  /** For a file without a name, and for shared memory, its index in `files`. */
  openFile: z.int().min(0).nullable(),
});

/** @see mappingSchema */
export type Mapping = Readonly<z.infer<typeof mappingSchema>>;

const threadSchema = z.strictObject({
  tid: pid,
  name: z.string().max(15),
  /** As they are to be when the thread goes on: a system call that was cut short starts again. */
  registers,
  /** x87 and SSE registers, as `fxsave` stores them. */
  fpx: bytes,
  /** Segments of thread-local storage, each a `struct user_desc`. */
  threadAreas: z.array(bytes),
  /** Blocked signals, a set of 64 bits. */
  signalMask: bytes,
  /** Signals sent to the thread and not yet taken, each a `siginfo_t`. */
  pending: z.array(bytes),
  /** `stack_t` of the alternate signal stack. */
  signalStack: bytes,
  robustList: z.strictObject({ address: u32, bytes: u32 }),
  /** Where zero is stored when the thread ends; see [set_tid_address(2)]. */
  clearTid: u32,
  rseq: rseqSchema.nullable(),
  credentials: credentialsSchema,
  scheduling: schedulingSchema,
  seccomp: seccompSchema,
  flags: threadFlagsSchema,
});

/** @see threadSchema */
export type ThreadImage = Readonly<z.infer<typeof threadSchema>>;

const descriptorSchema = z.strictObject({
  number: z.int().min(0),
  /** Index in `files`. Descriptors of the same file share its offset and flags. */
  file: z.int().min(0),
  closeOnExec: z.boolean(),
  /** Locks that the process or the open file has on it. */
  locks: z.array(lockSchema),
  /** Whom signals about the open file go to; the same for all its descriptors. */
  owner: ownerSchema.nullable(),
});

const processSchema = z.strictObject({
  pid,
  /** Process id of the parent, if it is in the image too. */
  parent: pid.nullable(),
  group: z.int().min(0),
  session: z.int().min(0),
  /** For the leader of a session: the terminal that controls it, and the process group in front there. */
  controllingTerminal: z.strictObject({ path: z.string(), foreground: z.int() }).nullable(),
  /** Signal that stopped it, or null. */
  stoppedBy: z.int().min(1).max(64).nullable(),
  executable: z.string(),
  workingDirectory: z.string(),
  rootDirectory: z.string(),
  umask: z.int().min(0).max(0o777),
  /** Soft and hard limits, in the order of their numbers. */
  limits: z.array(z.tuple([z.bigint(), z.bigint()])),
  cgroups: z.array(controlGroupSchema),
  flags: processFlagsSchema,
  oomScoreAdjustment: z.int().min(-1000).max(1000),
  /** Addresses of `struct prctl_mm_map` in its order: start_code ... env_end. */
  memoryLayout: z.array(u32).length(11),
  auxiliaryVector: bytes,
  mappings: z.array(mappingSchema),
  attachments: z.array(attachmentSchema),
  /** The vDSO of the kernel that it ran on, and where it lay; null if it had none. */
  vdso: z.strictObject({ address: u32, image: bytes }).nullable(),
  /** Pages with content of their own: addresses, and their bytes one after the other. */
  pages: z.strictObject({ addresses: addresses, content: bytes }),
  /** Signal actions that are not the default, each a `struct sigaction` of 20 bytes. */
  actions: z.array(z.strictObject({ signal: z.int().min(1).max(64), action: bytes })),
  /** Signals sent to the process and not yet taken, each a `siginfo_t`. */
  pending: z.array(bytes),
  /** `struct itimerval` of the real, virtual and profiling timer. */
  intervalTimers: z.array(bytes).length(3),
  /** Ascending by number. */
  posixTimers: z.array(posixTimerSchema),
  descriptors: z.array(descriptorSchema),
  threads: z.array(threadSchema).min(1),
});

/** @see processSchema */
export type ProcessImage = Readonly<z.infer<typeof processSchema>>;

const endedSchema = z.strictObject({
  pid,
  parent: pid,
  group: z.int().min(0),
  session: z.int().min(0),
  name: z.string().max(15),
  /** As [wait(2)] gives it. */
  status: z.int().min(0).max(0xffff),
});

/** A process that has ended and that its parent has not waited for. */
export type EndedProcess = Readonly<z.infer<typeof endedSchema>>;

/** Definition of an image of a tree of processes. */
export const treeImageSchema = z.strictObject({
  /** Release of the kernel that it was captured on. */
  kernel: z.string(),
  /** What the processes' clocks showed when the machine's clock stood at zero, in ns. */
  clocks: z.strictObject({ realtime: z.bigint(), monotonic: z.bigint(), boottime: z.bigint() }),
  files: z.array(fileSchema),
  shmFiles: z.array(shmFileSchema),
  systemV: systemVSchema,
  /** Parents stand before their children. */
  processes: z.array(processSchema).min(1),
  /** Children of these that have ended and wait for their parent. */
  ended: z.array(endedSchema),
});

/** @see treeImageSchema */
export type TreeImage = Readonly<z.infer<typeof treeImageSchema>>;

/** What of processes' memory is in an image, in bytes. */
export function contentBytes(processes: readonly Pick<ProcessImage, "pages">[]): number {
  return processes.reduce((bytes, { pages }) => bytes + pages.content.length, 0);
}
