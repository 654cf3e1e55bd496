/**
 * Terminals that are devices of the machine: serial lines.
 *
 * References:
 * - [ioctl_tty(2)], [termios(3)]; layouts are those of arch/x86 and include/uapi/asm-generic/termbits.h
 */
import { z } from "zod";
import { bytes } from "../bytes-schema.js";
import { type FileKind, isType } from "./file-kind.js";

/** @see terminal */
export const terminalSchema = z.strictObject({
  kind: z.literal("terminal"),
  path: z.string(),
  flags: z.int(),
  /** `struct termios` as the kernel keeps it. */
  settings: bytes,
  /** `struct winsize`. */
  size: bytes,
});
type Terminal = z.infer<typeof terminalSchema>;

const TCGETS = 0x5401;
const TCSETS = 0x5402;
const TIOCGWINSZ = 0x5413;
const TIOCSWINSZ = 0x5414;
const TERMIOS_BYTES = 36;
const WINSIZE_BYTES = 8;
const O_NOCTTY = 0o400;

/** Major numbers of serial lines (ttyS) and of /dev/tty, /dev/console. */
const SERIAL = 4;
const TTY_AUX = 5;

/** A serial line. */
export const terminal: FileKind<Terminal> = {
  kind: "terminal",
  matches: ({ mode, specialDevice, link }) => {
    const major = (specialDevice >> 8) & 0xfff;
    return (
      isType(mode, "characterDevice") &&
      (major === SERIAL || major === TTY_AUX) &&
      link !== "/dev/ptmx"
    );
  },

  *capture(stub, { fd, link, flags }) {
    yield* stub.call("ioctl", fd, TCGETS, stub.out);
    const settings = stub.results(TERMIOS_BYTES);
    yield* stub.call("ioctl", fd, TIOCGWINSZ, stub.out);
    return { kind: "terminal", path: link, flags, settings, size: stub.results(WINSIZE_BYTES) };
  },

  *open(stub, { path, flags, settings, size }) {
    const fd = yield* stub.call("open", path, flags | O_NOCTTY);
    yield* stub.call("ioctl", fd, TCSETS, settings);
    yield* stub.call("ioctl", fd, TIOCSWINSZ, size);
    return fd;
  },
};
