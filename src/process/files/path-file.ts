/**
 * Files that are opened again by their path: regular files, directories, devices without hidden state.
 *
 * References:
 * - [open(2)], [devices] Documentation/admin-guide/devices.txt of Linux: numbers of the memory devices
 */
import { z } from "zod";
import { setPosition } from "./file-content.js";
import { type FileKind, isType } from "./file-kind.js";
import { openByName, requireName } from "./file-name.js";

/** @see pathFile */
export const pathFileSchema = z.strictObject({
  kind: z.literal("path"),
  path: z.string(),
  /** As of [open(2)]. */
  flags: z.int(),
  /** In bytes; for a directory, the number that its file system gave for the place. */
  position: z.int().min(0),
});
type PathFile = z.infer<typeof pathFileSchema>;

const O_CREAT_EXCL_TRUNC = 0o1300;

/** Memory devices of which every opening is alike: null, zero, full, random, urandom, kmsg. */
const PLAIN_DEVICES = [3, 5, 7, 8, 9, 11].map((minor) => 0x100 + minor);

/** A file that is found by its path. */
export const pathFile: FileKind<PathFile> = {
  kind: "path",
  matches: (file) =>
    isType(file.mode, "regular") ||
    isType(file.mode, "directory") ||
    (isType(file.mode, "characterDevice") && PLAIN_DEVICES.includes(file.specialDevice)),

  *capture(stub, file) {
    yield* requireName(stub, file);
    const { link, flags, position } = file;
    return { kind: "path", path: link, flags: flags & ~O_CREAT_EXCL_TRUNC, position };
  },

  *open(stub, { path, flags, position }) {
    const fd = yield* openByName(stub, path, flags);
    yield* setPosition(stub, fd, position);
    return fd;
  },
};
