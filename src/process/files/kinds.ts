import { z } from "zod";
import type { Program } from "../../guest/gate.js";
import type { Stub } from "../../guest/stub-session.js";
import {
  CannotCarry,
  type CaptureContext,
  type FileKind,
  type FoundFile,
  type RestoreContext,
} from "./file-kind.js";
import { pathFile, pathFileSchema } from "./path-file.js";
import { pipe, pipeSchema } from "./pipe.js";
import { terminal, terminalSchema } from "./terminal.js";

/** State of an open file in a process image. */
export const fileSchema = z.discriminatedUnion("kind", [
  pathFileSchema,
  pipeSchema,
  terminalSchema,
]);

/** @see fileSchema */
export type FileImage = Readonly<z.infer<typeof fileSchema>>;

// Each kind captures and opens only its own states: which one a state belongs to, its `kind` says.
const KINDS = [pathFile, pipe, terminal] as unknown as readonly FileKind<FileImage>[];

/**
 * Reads the state of an open file.
 *
 * @throws {CannotCarry} if there is no way to open it again elsewhere
 */
export function* captureFile(
  stub: Stub,
  file: FoundFile,
  context: CaptureContext,
): Program<FileImage> {
  const kind = KINDS.find((each) => each.matches(file));
  if (kind === undefined) {
    throw new CannotCarry(
      `descriptor ${file.number} of process ${file.pid} is of a kind that cannot be carried: ${file.link}`,
    );
  }
  return yield* kind.capture(stub, file, context);
}

/** Opens a file again, in the stub that starts the tree. */
export function* openFile(stub: Stub, state: FileImage, context: RestoreContext): Program<number> {
  return yield* kindOf(state).open(stub, state, context);
}

/** Does what is left to do for an opened file when all others are open too. */
export function* finishFile(
  stub: Stub,
  state: FileImage,
  fd: number,
  context: RestoreContext,
): Program<void> {
  yield* kindOf(state).finish?.(stub, state, fd, context) ?? [];
}

function kindOf(state: FileImage): FileKind<FileImage> {
  const kind = KINDS.find((each) => each.kind === state.kind);
  if (kind === undefined) throw new CannotCarry(`there is no kind of file "${state.kind}"`);
  return kind;
}
