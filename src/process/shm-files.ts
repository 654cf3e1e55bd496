/**
 * Files in memory that programs share by their names: POSIX shared memory and named semaphores. Those
 * that a tree has open or mapped go along with their content.
 *
 * References:
 * - [shm_overview(7)], [sem_overview(7)]: both are files in /dev/shm
 */
import { z } from "zod";
import type { Program } from "../guest/gate.js";
import type { Stub } from "../guest/stub-session.js";
import { contentSchema, readContent, writeContent } from "./files/file-content.js";
import { CannotCarry, isType } from "./files/file-kind.js";
import { fileStatus } from "./files/file-name.js";

/** @see ShmFile */
export const shmFileSchema = z.strictObject({
  path: z.string().startsWith("/dev/shm/"),
  permissions: z.int().min(0).max(0o7777),
  uid: z.uint32(),
  gid: z.uint32(),
  /** Last change of its content, in ns since 1970. */
  changedNs: z.bigint(),
  content: contentSchema,
});
/** A file in /dev/shm. */
export type ShmFile = Readonly<z.infer<typeof shmFileSchema>>;

const FOLDER = "/dev/shm/";
const O_RDONLY_CLOEXEC = 0o2000000;
const O_RDWR_CREAT_EXCL_CLOEXEC = 0o2000302;
const NS_PER_S = 1_000_000_000n;

/** Reads those of the paths that are regular files in /dev/shm. */
export function* captureShmFiles(stub: Stub, paths: Iterable<string>): Program<ShmFile[]> {
  const files: ShmFile[] = [];
  for (const path of new Set(paths)) {
    if (!path.startsWith(FOLDER)) continue;
    const fd = yield* stub.call("open", path, O_RDONLY_CLOEXEC);
    try {
      const { mode, uid, gid, changedNs, size } = yield* fileStatus(stub, fd);
      if (!isType(mode, "regular")) continue;
      const content = yield* readContent(stub, { fd, size, link: path, number: -1, pid: 0 });
      files.push({ path, permissions: mode & 0o7777, uid, gid, changedNs, content });
    } finally {
      yield* stub.attempt("close", fd);
    }
  }
  return files;
}

/**
 * Makes the files again.
 *
 * @throws {CannotCarry} if a name is taken here
 */
export function* restoreShmFiles(stub: Stub, files: readonly ShmFile[]): Program<void> {
  for (const { path, permissions, uid, gid, changedNs, content } of files) {
    if ((yield* stub.attempt("access", path, 0)) === 0) {
      throw new CannotCarry(`the file ${path} of the processes exists here already`);
    }
    const fd = yield* stub.call("open", path, O_RDWR_CREAT_EXCL_CLOEXEC, 0o600);
    yield* writeContent(stub, fd, content);
    yield* stub.call("fchown32", fd, uid, gid);
    yield* stub.call("fchmod", fd, permissions);
    const changed = [Number(changedNs / NS_PER_S), Number(changedNs % NS_PER_S)];
    const times = Int32Array.of(...changed, ...changed);
    yield* stub.call("utimensat", fd, 0, new Uint8Array(times.buffer), 0);
    yield* stub.call("close", fd);
  }
}
