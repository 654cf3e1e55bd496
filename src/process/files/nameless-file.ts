/**
 * Regular files without a name: deleted ones, those that never had a name, and those in memory.
 *
 * References:
 * - [unlink(2)], [open(2)] O_TMPFILE, [memfd_create(2)], [fcntl(2)] F_ADD_SEALS
 *
 * Such a file goes along with its content. A deleted one is made in the directory that it was in and
 * deleted again, so that it is in the same file system.
 */
import { z } from "zod";
import { SystemCallFailed } from "../../guest/errno.js";
import type { Program } from "../../guest/gate.js";
import type { Stub } from "../../guest/stub-session.js";
import { contentSchema, readContent, setPosition, writeContent } from "./file-content.js";
import { CannotCarry, type FileKind, identityOf, isType } from "./file-kind.js";

/** @see namelessFile */
export const namelessFileSchema = z.strictObject({
  kind: z.literal("nameless"),
  /** Open files of the same identity are one file, opened several times. */
  identity: z.string(),
  /** As of [open(2)]. */
  flags: z.int(),
  /** In bytes. */
  position: z.int().min(0),
  /** For a file in memory, what it is called, and what may not be done to it; else null. */
  memory: z.strictObject({ name: z.string(), seals: z.int() }).nullable(),
  /** The path that a deleted file had. */
  path: z.string(),
  permissions: z.int().min(0).max(0o7777),
  uid: z.int().min(0),
  gid: z.int().min(0),
  /** Last change of its content, in ns since 1970. */
  changedNs: z.bigint(),
  /** Null if the same file stands in the image before. */
  content: contentSchema.nullable(),
});
type NamelessFile = z.infer<typeof namelessFileSchema>;

const O_RDWR = 2;
const O_CREAT_EXCL = 0o300;
const O_CREAT_EXCL_TRUNC = 0o1300;
const O_DIRECTORY = 0o200000;
const O_TMPFILE = 0o20200000;
const O_CLOEXEC = 0o2000000;
const MFD_CLOEXEC_ALLOW_SEALING = 3;
const F_ADD_SEALS = 1033;
const F_GET_SEALS = 1034;
const UTIME_OMIT = 0x3ffffffe;
const PERMISSIONS = 0o7777;
const DELETED = " (deleted)";
const IN_MEMORY = "/memfd:";

/** A regular file without a name. */
export const namelessFile: FileKind<NamelessFile> = {
  kind: "nameless",
  matches: ({ mode, links, link }) =>
    isType(mode, "regular") && links === 0 && link.endsWith(DELETED),

  *capture(stub, file, { shared }) {
    const { fd, flags, position, link, mode, uid, gid, changedNs } = file;
    const identity = identityOf(file);
    const key = `nameless ${identity}`;
    const content = shared.has(key) ? null : yield* readContent(stub, file);
    shared.set(key, true);
    const path = link.slice(0, -DELETED.length);
    const isInMemory = path.startsWith(IN_MEMORY);
    return {
      kind: "nameless",
      identity,
      flags: flags & ~(O_CREAT_EXCL_TRUNC | O_TMPFILE),
      position,
      memory: isInMemory
        ? {
            name: path.slice(IN_MEMORY.length),
            seals: yield* stub.call("fcntl64", fd, F_GET_SEALS, 0),
          }
        : null,
      path,
      permissions: mode & PERMISSIONS,
      uid,
      gid,
      changedNs,
      content,
    };
  },

  *open(stub, state, { shared }) {
    const key = `nameless ${state.identity}`;
    const made = shared.get(key) ?? (yield* make(stub, state));
    shared.set(key, made);
    if (typeof made !== "number") throw new TypeError(`${key} is no descriptor`);
    const fd = yield* stub.call("open", `/proc/self/fd/${made}`, state.flags);
    yield* setPosition(stub, fd, state.position);
    return fd;
  },

  // Not before the process has mapped the file: what a seal forbids it may have done earlier.
  *settle(stub, { memory }, fd) {
    if (memory === null || memory.seals === 0) return;
    const writable = yield* stub.call("open", `/proc/self/fd/${fd}`, O_RDWR | O_CLOEXEC);
    const held = yield* stub.call("fcntl64", writable, F_GET_SEALS, 0);
    if (held !== memory.seals) yield* stub.call("fcntl64", writable, F_ADD_SEALS, memory.seals);
    yield* stub.call("close", writable);
  },
};

/** Makes the file; resolves to a descriptor that can read and write. */
function* make(stub: Stub, state: NamelessFile): Program<number> {
  const { memory, content, permissions, uid, gid, changedNs } = state;
  const fd =
    memory === null
      ? yield* makeDeleted(stub, state.path)
      : yield* stub.call("memfd_create", memory.name, MFD_CLOEXEC_ALLOW_SEALING);
  if (content !== null) yield* writeContent(stub, fd, content);
  yield* stub.call("fchown32", fd, uid, gid);
  yield* stub.call("fchmod", fd, permissions);
  const seconds = changedNs / 1_000_000_000n;
  const times = [0, UTIME_OMIT, Number(seconds), Number(changedNs % 1_000_000_000n)];
  yield* stub.call("utimensat", fd, 0, new Uint8Array(Int32Array.from(times).buffer), 0);
  return fd;
}

function* makeDeleted(stub: Stub, path: string): Program<number> {
  try {
    const fd = yield* stub.attempt("open", path, O_RDWR | O_CREAT_EXCL | O_CLOEXEC, 0o600);
    if (fd >= 0) {
      yield* stub.call("unlink", path);
      return fd;
    }
    // The name is taken by another file meanwhile.
    const directory = path.slice(0, path.lastIndexOf("/") + 1);
    return yield* stub.call("open", directory, O_RDWR | O_TMPFILE | O_DIRECTORY | O_CLOEXEC, 0o600);
  } catch (error) {
    if (!(error instanceof SystemCallFailed)) throw error;
    throw new CannotCarry(`the deleted file ${path} cannot be made again`, { cause: error });
  }
}
