/**
 * Pipes with a name, and what is in them.
 *
 * References:
 * - [fifo(7)]
 */
import { z } from "zod";
import { type FileKind, isType } from "./file-kind.js";
import { openByName, requireName } from "./file-name.js";
import { fillPipe, pipeContentSchema, openEnd, readPipe } from "./pipe-content.js";

/** @see fifo */
export const fifoSchema = z.strictObject({
  kind: z.literal("fifo"),
  path: z.string(),
  /** As of [open(2)]. */
  flags: z.int(),
  content: pipeContentSchema,
});
type Fifo = z.infer<typeof fifoSchema>;

const O_RDWR_NONBLOCK_CLOEXEC = 0o2004002;
const F_SETPIPE_SZ = 1031;

/** An end of a pipe with a name. */
export const fifo: FileKind<Fifo> = {
  kind: "fifo",
  matches: ({ mode, link }) => isType(mode, "fifo") && link.startsWith("/"),

  *capture(stub, file, context) {
    const { link, flags } = file;
    yield* requireName(stub, file);
    return { kind: "fifo", path: link, flags, content: yield* readPipe(stub, file, context) };
  },

  *open(stub, { path, flags, content }, { shared }) {
    // Open at both ends, so that opening one does not wait for the other, and nothing is lost between.
    const key = `fifo ${path}`;
    const both = shared.get(key) ?? (yield* openByName(stub, path, O_RDWR_NONBLOCK_CLOEXEC));
    shared.set(key, both);
    if (typeof both !== "number") throw new TypeError(`${key} is no descriptor`);
    yield* stub.call("fcntl64", both, F_SETPIPE_SZ, content.capacity);
    yield* fillPipe(stub, both, content);
    return yield* openEnd(stub, path, flags);
  },
};
