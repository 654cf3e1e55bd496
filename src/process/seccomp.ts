/**
 * Filters of system calls. A task that is traced for a move is spared by its filters; they hold again
 * when it is let go.
 *
 * References:
 * - [seccomp(2)]; [ptrace(2)] PTRACE_SECCOMP_GET_FILTER, PTRACE_O_SUSPEND_SECCOMP
 * - [ptrace] include/uapi/linux/ptrace.h, `struct seccomp_metadata`
 */
import { z } from "zod";
import { concat } from "../guest/files.js";
import type { Program } from "../guest/gate.js";
import type { Inside } from "../guest/inside.js";
import { field, type parseFields } from "../guest/procfs.js";
import { getSeccompFilter } from "../guest/ptrace.js";
import type { Stub } from "../guest/stub-session.js";
import { bytes } from "./bytes-schema.js";

const HEADER_BYTES = 8;
const INSTRUCTION_BYTES = 8;
const MOST_INSTRUCTIONS = 4096;

/** @see Seccomp */
export const seccompSchema = z.discriminatedUnion("mode", [
  z.strictObject({ mode: z.literal("off") }),
  /** Only read, write, exit and return from a signal. */
  z.strictObject({ mode: z.literal("strict") }),
  z.strictObject({
    mode: z.literal("filter"),
    /** In the order in which they were set. */
    filters: z.array(
      z.strictObject({
        /** Instructions of 8 bytes, each a `struct sock_filter`. */
        program: bytes,
        /** Whether what it refuses is logged. */
        log: z.boolean(),
      }),
    ),
  }),
]);

/** How the system calls of a thread are filtered. */
export type Seccomp = Readonly<z.infer<typeof seccompSchema>>;

const MODES = ["off", "strict", "filter"] as const;
const PR_SET_SECCOMP = 22;
const SECCOMP_MODE_STRICT = 1;
const SECCOMP_SET_MODE_FILTER = 1;
const SECCOMP_FILTER_FLAG_LOG = 2;
/** No kernel takes more instructions in all filters of a task, and a filter has at least one. */
const MOST_FILTERS = 32_768;

/** Reads the filters of a stopped thread, of which `/proc` says this status. */
export function* captureSeccomp(
  stub: Stub,
  tid: number,
  status: ReturnType<typeof parseFields>,
): Program<Seccomp> {
  const mode = MODES[Number(field(status, "Seccomp"))];
  if (mode === undefined) throw new RangeError(`the task ${tid} has an unknown seccomp mode`);
  if (mode !== "filter") return { mode };
  const filters: { program: Uint8Array; log: boolean }[] = [];
  while (filters.length < MOST_FILTERS) {
    const filter = yield* getSeccompFilter(stub, tid, filters.length);
    if (filter === null) break;
    filters.push(filter);
  }
  return { mode, filters };
}

/** Sets the filters of a stopped task that has all rights still. */
export function* restoreSeccomp(inside: Inside, seccomp: Seccomp): Program<void> {
  if (seccomp.mode === "strict") {
    yield* inside.call("prctl", PR_SET_SECCOMP, SECCOMP_MODE_STRICT, 0, 0, 0);
  }
  if (seccomp.mode !== "filter") return;
  for (const { program, log } of seccomp.filters) {
    const count = program.length / INSTRUCTION_BYTES;
    if (!Number.isInteger(count) || count > MOST_INSTRUCTIONS) {
      throw new RangeError(`a seccomp filter of ${program.length} bytes`);
    }
    // struct sock_fprog: the number of instructions, and where they lie.
    const header = Uint32Array.of(count, inside.argumentsAt + HEADER_BYTES);
    const whole = concat([new Uint8Array(header.buffer), program]);
    const flags = log ? SECCOMP_FILTER_FLAG_LOG : 0;
    yield* inside.call("seccomp", SECCOMP_SET_MODE_FILTER, flags, whole);
  }
}
