/**
 * Descriptors through which signals are read. The signals themselves wait in the process.
 *
 * References:
 * - [signalfd(2)], [proc_pid_fdinfo(5)]: `sigmask`, in hexadecimal
 */
import { z } from "zod";
import { field } from "../../guest/procfs.js";
import type { FileKind } from "./file-kind.js";

/** @see signalFd */
export const signalFdSchema = z.strictObject({
  kind: z.literal("signalfd"),
  /** O_NONBLOCK or none. */
  flags: z.int(),
  /** Signals that can be read; the lowest bit is that of signal 1. */
  mask: z.bigint(),
});
type SignalFd = z.infer<typeof signalFdSchema>;

const O_NONBLOCK = 0o4000;
const MASK_BYTES = 8;

/** A descriptor for signals. */
export const signalFd: FileKind<SignalFd> = {
  kind: "signalfd",
  matches: ({ link }) => link === "anon_inode:[signalfd]",

  *capture(_stub, { flags, info }) {
    const mask = BigInt(`0x${field(info, "sigmask")}`);
    return { kind: "signalfd", flags: flags & O_NONBLOCK, mask };
  },

  *open(stub, { flags, mask }) {
    const set = new Uint8Array(BigUint64Array.of(mask).buffer);
    return yield* stub.call("signalfd4", -1, set, MASK_BYTES, flags);
  },
};
