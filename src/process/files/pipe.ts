/**
 * Pipes without a name, and what is in them.
 *
 * References:
 * - [pipe(7)]
 */
import { z } from "zod";
import { type FileKind, isType } from "./file-kind.js";
import {
  fillPipe,
  pipeContentSchema,
  makePipe,
  openEnd,
  type PipeEnds,
  readPipe,
} from "./pipe-content.js";

/** @see pipe */
export const pipeSchema = z.strictObject({
  kind: z.literal("pipe"),
  /** Both ends of a pipe have the same name. */
  name: z.string(),
  /** As of [open(2)]: the way to use it, O_NONBLOCK, O_DIRECT. */
  flags: z.int(),
  content: pipeContentSchema,
});
type Pipe = z.infer<typeof pipeSchema>;

const O_ACCMODE = 3;
const O_WRONLY = 1;

/** An end of a pipe without a name. */
export const pipe: FileKind<Pipe> = {
  kind: "pipe",
  matches: ({ mode, link }) => isType(mode, "fifo") && link.startsWith("pipe:"),

  *capture(stub, file, context) {
    const { link, flags } = file;
    return { kind: "pipe", name: link, flags, content: yield* readPipe(stub, file, context) };
  },

  *open(stub, { name, flags, content }, { shared }) {
    const key = `pipe ${name}`;
    const ends = shared.get(key) ?? (yield* makePipe(stub, content.capacity));
    shared.set(key, ends);
    if (!isPair(ends)) throw new TypeError(`${key} is no pipe`);
    yield* fillPipe(stub, ends.write, content);
    const end = (flags & O_ACCMODE) === O_WRONLY ? ends.write : ends.read;
    return yield* openEnd(stub, `/proc/self/fd/${end}`, flags);
  },
};

function isPair(value: unknown): value is PipeEnds {
  return typeof value === "object" && value !== null && "read" in value && "write" in value;
}
