/**
 * Terminals: serial lines of the machine, and pseudo-terminals as the programs on them see them.
 *
 * References:
 * - [ioctl_tty(2)] TIOCGDEV
 * - [devices] Documentation/admin-guide/devices.txt of Linux: numbers of the terminals
 */
import { z } from "zod";
import { CannotCarry, type FileKind, isType } from "./file-kind.js";
import { makeMaster, masters } from "./pseudo-terminal.js";
import { getSettings, O_NOCTTY, setSettings, terminalSettingsSchema } from "./terminal-settings.js";

/** @see terminal */
export const terminalSchema = z.strictObject({
  kind: z.literal("terminal"),
  path: z.string(),
  flags: z.int(),
  settings: terminalSettingsSchema,
});
type Terminal = z.infer<typeof terminalSchema>;

const TIOCGDEV = 0x80045432;

/** Major number of serial lines and virtual terminals, and minor number of the first serial line. */
const SERIAL = 4;
const FIRST_SERIAL = 64;
/** `/dev/tty` and `/dev/console`. */
const OWN_TERMINAL = 0x500;
const CONSOLE = 0x501;
/** Major numbers of pseudo-terminals, each for 256 of them. */
const PSEUDO = { first: 136, last: 143 } as const;

/** A terminal on which a program runs. */
export const terminal: FileKind<Terminal> = {
  kind: "terminal",
  matches: ({ mode, specialDevice }) =>
    isType(mode, "characterDevice") &&
    (isPseudo(specialDevice) ||
      majorOf(specialDevice) === SERIAL ||
      specialDevice === OWN_TERMINAL ||
      specialDevice === CONSOLE),

  *capture(stub, { fd, link, flags, specialDevice, pid, number }, context) {
    yield* stub.call("ioctl", fd, TIOCGDEV, stub.out);
    const device = stub.view(4).getUint32(0, true);
    // What `/dev/tty` is depends on who opens it.
    const path = specialDevice === OWN_TERMINAL ? terminalPath(pid, device) : link;
    const index = pseudoTerminalIndex(path);
    if (isPseudo(device) && (index === null || !(yield* masters(stub, context)).has(index))) {
      throw new CannotCarry(
        `the other end of the terminal ${path}, descriptor ${number} of process ${pid}, is not in ` +
          `the tree: take the program along that runs the terminal`,
      );
    }
    return { kind: "terminal", path, flags, settings: yield* getSettings(stub, fd) };
  },

  *open(stub, { path, flags }, context) {
    const index = pseudoTerminalIndex(path);
    if (index !== null) yield* makeMaster(stub, index, context);
    return yield* stub.call("open", path, flags | O_NOCTTY);
  },

  *finish(stub, { path, settings }, fd) {
    // A pseudo-terminal is set up by its master.
    if (pseudoTerminalIndex(path) === null) yield* setSettings(stub, fd, settings);
  },
};

/**
 * The path of a terminal by its device number, as [proc_pid_stat(5)] gives it.
 *
 * @throws {CannotCarry} naming the process if it is of no known kind
 */
export function terminalPath(pid: number, device: number): string {
  const major = majorOf(device);
  const minor = (device & 0xff) | ((device >>> 12) & 0xfff00);
  if (isPseudo(device)) return `/dev/pts/${(major - PSEUDO.first) * 256 + minor}`;
  if (major === SERIAL && minor >= FIRST_SERIAL) return `/dev/ttyS${minor - FIRST_SERIAL}`;
  if (major === SERIAL) return `/dev/tty${minor}`;
  throw new CannotCarry(`the terminal ${major}:${minor} of process ${pid} is of an unknown kind`);
}

function pseudoTerminalIndex(path: string): number | null {
  const index = /^\/dev\/pts\/(\d{1,7})$/.exec(path)?.[1];
  return index === undefined ? null : Number(index);
}

function isPseudo(device: number): boolean {
  const major = majorOf(device);
  return major >= PSEUDO.first && major <= PSEUDO.last;
}

function majorOf(device: number): number {
  return (device >>> 8) & 0xfff;
}
