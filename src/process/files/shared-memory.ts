/**
 * Memory that processes share and that has no file: it is one to the kernel.
 *
 * References:
 * - [mmap(2)] MAP_SHARED and MAP_ANONYMOUS; [proc(5)], `/proc/PID/map_files`
 */
import { z } from "zod";
import { mapLink } from "../mapped-files.js";
import { contentSchema, readContent, writeContent } from "./file-content.js";
import type { FileKind } from "./file-kind.js";

/** @see sharedMemory */
export const sharedMemorySchema = z.strictObject({
  kind: z.literal("shared-memory"),
  content: contentSchema,
});
type SharedMemory = z.infer<typeof sharedMemorySchema>;

const PROT_READ_WRITE = 3;
const MAP_SHARED_ANONYMOUS = 0x21;
const O_RDWR_CLOEXEC = 0o2000002;

/** Shared memory without a name. */
export const sharedMemory: FileKind<SharedMemory> = {
  kind: "shared-memory",
  matches: ({ link }) => link === "/dev/zero (deleted)",

  *capture(stub, file) {
    return { kind: "shared-memory", content: yield* readContent(stub, file) };
  },

  *open(stub, { content }) {
    const flags = [PROT_READ_WRITE, MAP_SHARED_ANONYMOUS, -1, 0];
    const start = (yield* stub.call("mmap2", 0, content.size, ...flags)) >>> 0;
    const fd = yield* stub.call(
      "open",
      mapLink("self", start, start + content.size),
      O_RDWR_CLOEXEC,
    );
    yield* stub.call("munmap", start, content.size);
    yield* writeContent(stub, fd, content);
    return fd;
  },
};
