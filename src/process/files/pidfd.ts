/**
 * Descriptors of processes.
 *
 * References:
 * - [pidfd_open(2)], [proc_pid_fdinfo(5)]: `Pid`, which is -1 for a process that has ended and was waited for
 */
import { z } from "zod";
import type { Program } from "../../guest/gate.js";
import { field } from "../../guest/procfs.js";
import type { Stub } from "../../guest/stub-session.js";
import { CannotCarry, type FileKind, nameOf } from "./file-kind.js";

/** @see pidfd */
export const pidfdSchema = z.strictObject({
  kind: z.literal("pidfd"),
  /** O_NONBLOCK or none. */
  flags: z.int(),
  /** The process; null if it is gone. */
  pid: z.int().min(1).nullable(),
});
type Pidfd = z.infer<typeof pidfdSchema>;

const O_NONBLOCK = 0o4000;

/** A descriptor of a process. */
export const pidfd: FileKind<Pidfd> = {
  kind: "pidfd",
  needsProcesses: true,
  matches: ({ link }) => link === "anon_inode:[pidfd]",

  *capture(_stub, file, { pids }) {
    const pid = Number(field(file.info, "Pid"));
    if (pid > 0 && !pids.has(pid)) {
      throw new CannotCarry(`${nameOf(file)} is of process ${pid}, which is not moved with it`);
    }
    return { kind: "pidfd", flags: file.flags & O_NONBLOCK, pid: pid > 0 ? pid : null };
  },

  *open(stub, { pid, flags }) {
    return pid === null ? yield* openGone(stub, flags) : yield* stub.call("pidfd_open", pid, flags);
  },
};

function* openGone(stub: Stub, flags: number): Program<number> {
  const pid = yield* stub.fork(null, function* () {
    // It has nothing to do but to end.
  });
  const fd = yield* stub.call("pidfd_open", pid, flags);
  yield* stub.call("wait4", pid, 0, 0, 0);
  return fd;
}
