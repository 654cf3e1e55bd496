/**
 * Masters of pseudo-terminals: the ends at which a program plays the user.
 *
 * References:
 * - [pts(4)], [ioctl_tty(2)] TIOCGPTN, TIOCSPTLCK, TIOCGPTLCK, TIOCPKT, TIOCGPKT; [poll(2)] POLLHUP
 */
import { z } from "zod";
import type { Program } from "../../guest/gate.js";
import type { Stub } from "../../guest/stub-session.js";
import {
  CannotCarry,
  type CaptureContext,
  type FileKind,
  type FoundFile,
  isType,
  type RestoreContext,
} from "./file-kind.js";
import { fillQueues, peekQueues, queuesSchema } from "./pseudo-terminal-queues.js";
import { getSettings, O_NOCTTY, setSettings, terminalSettingsSchema } from "./terminal-settings.js";

/** @see pseudoTerminal */
export const pseudoTerminalSchema = z.strictObject({
  kind: z.literal("pseudo-terminal"),
  /** What was opened: `/dev/ptmx`. */
  path: z.string(),
  /** The terminal's number: it is `/dev/pts/INDEX`. */
  index: z.int().min(0),
  flags: z.int(),
  /** Whether the terminal cannot be opened. */
  locked: z.boolean(),
  /** Whether each read begins with a byte that tells what happened. */
  packets: z.boolean(),
  /** Whether all who had the terminal open have closed it. */
  hungUp: z.boolean(),
  /** Permissions and owner of the terminal's device file. */
  permissions: z.int().min(0).max(0o7777),
  uid: z.int().min(0),
  gid: z.int().min(0),
  settings: terminalSettingsSchema,
  queues: queuesSchema,
});
type PseudoTerminal = z.infer<typeof pseudoTerminalSchema>;

const PTMX = 0x502;
const TIOCPKT = 0x5420;
const TIOCGPTN = 0x80045430;
const TIOCSPTLCK = 0x40045431;
const TIOCGPKT = 0x80045438;
const TIOCGPTLCK = 0x80045439;
const F_SETFL = 4;
const POLLHUP = 0x10;
const O_RDWR = 2;
const O_CLOEXEC = 0o2000000;
const AT_FDCWD = -100;

/** A master, with its terminal. */
export const pseudoTerminal: FileKind<PseudoTerminal> = {
  kind: "pseudo-terminal",
  matches: isMaster,

  *capture(stub, { fd, link, flags }, { files }) {
    const index = yield* getNumber(stub, fd, TIOCGPTN);
    const packets = (yield* getNumber(stub, fd, TIOCGPKT)) !== 0;
    const hungUp = yield* isHungUp(stub, fd);
    const settings = yield* getSettings(stub, fd);
    yield* stub.call("stat64", `/dev/pts/${index}`, stub.out);
    const status = stub.view(32);
    const inUse = files.some((file) => file.link === `/dev/pts/${index}`);
    const ends = { master: fd, index, packets, inUse, termios: settings.termios };
    return {
      kind: "pseudo-terminal",
      path: link,
      index,
      flags,
      locked: (yield* getNumber(stub, fd, TIOCGPTLCK)) !== 0,
      packets,
      hungUp,
      permissions: status.getUint32(16, true) & 0o7777,
      uid: status.getUint32(24, true),
      gid: status.getUint32(28, true),
      settings,
      queues: yield* peekQueues(stub, ends),
    };
  },

  *open(stub, { index, flags }, context) {
    const fd = yield* makeMaster(stub, index, context);
    yield* stub.call("fcntl64", fd, F_SETFL, flags);
    return fd;
  },

  *finish(stub, { index, locked, packets, hungUp, settings, queues, ...file }, fd) {
    const path = `/dev/pts/${index}`;
    yield* stub.call("fchownat", AT_FDCWD, path, file.uid, file.gid, 0);
    yield* stub.call("fchmodat", AT_FDCWD, path, file.permissions);
    yield* setSettings(stub, fd, settings);
    if (hungUp) yield* stub.call("close", yield* stub.call("open", path, O_RDWR | O_NOCTTY));
    const ends = { master: fd, index, packets, termios: settings.termios };
    yield* fillQueues(stub, ends, queues);
    yield* setNumber(stub, fd, TIOCPKT, packets ? 1 : 0);
    yield* setNumber(stub, fd, TIOCSPTLCK, locked ? 1 : 0);
  },
};

/** Numbers of the pseudo-terminals whose masters are captured. */
export function* masters(stub: Stub, { files }: CaptureContext): Program<ReadonlySet<number>> {
  const indexes = new Set<number>();
  for (const file of files) {
    if (isMaster(file)) indexes.add(yield* getNumber(stub, file.fd, TIOCGPTN));
  }
  return indexes;
}

/**
 * The master of the pseudo-terminal with this number, which is made when it is asked for first.
 *
 * @throws {CannotCarry} if the number is taken
 */
export function* makeMaster(
  stub: Stub,
  index: number,
  { shared }: RestoreContext,
): Program<number> {
  const key = `pseudo-terminal ${index}`;
  const made = shared.get(key);
  if (typeof made === "number") return made;
  const others: number[] = [];
  try {
    for (;;) {
      // Each gets the lowest number that is free.
      const fd = yield* stub.call("open", "/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
      const got = yield* getNumber(stub, fd, TIOCGPTN);
      if (got === index) {
        yield* setNumber(stub, fd, TIOCSPTLCK, 0);
        shared.set(key, fd);
        return fd;
      }
      others.push(fd);
      if (got > index) throw new CannotCarry(`the terminal /dev/pts/${index} is taken here`);
    }
  } finally {
    for (const fd of others) yield* stub.attempt("close", fd);
  }
}

function isMaster({ mode, specialDevice }: FoundFile): boolean {
  return isType(mode, "characterDevice") && specialDevice === PTMX;
}

function* isHungUp(stub: Stub, fd: number): Program<boolean> {
  const asked = new Uint8Array(8);
  new DataView(asked.buffer).setInt32(0, fd, true);
  stub.memory.write(stub.out, asked);
  yield* stub.call("poll", stub.out, 1, 0);
  return (stub.view(8).getUint16(6, true) & POLLHUP) !== 0;
}

function* getNumber(stub: Stub, fd: number, request: number): Program<number> {
  yield* stub.call("ioctl", fd, request, stub.out);
  return stub.view(4).getInt32(0, true);
}

function* setNumber(stub: Stub, fd: number, request: number, value: number): Program<void> {
  yield* stub.call("ioctl", fd, request, new Uint8Array(Int32Array.of(value).buffer));
}
