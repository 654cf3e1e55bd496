/**
 * What was written to a pseudo-terminal, at either end, and not yet read at the other.
 *
 * It can be seen only by reading it. So it is read and written again, under settings that leave bytes
 * as they are. An end-of-file character that waits to be read becomes a zero byte.
 *
 * References:
 * - [ioctl_tty(2)] FIONREAD, TIOCPKT; [termios(3)] canonical mode
 */
import { z } from "zod";
import { bytes } from "../bytes-schema.js";
import { concat } from "../../guest/files.js";
import type { Program } from "../../guest/gate.js";
import { sleep } from "../../guest/sleep.js";
import { OUT_BYTES, type Stub } from "../../guest/stub-session.js";
import { CannotCarry } from "./file-kind.js";
import { isCanonical, O_NOCTTY, setTermios, transparent } from "./terminal-settings.js";

/** Bytes on their way through a pseudo-terminal. */
export const queuesSchema = z.strictObject({
  /** From the master to the programs on the terminal. */
  input: bytes,
  /** From these programs to the master. */
  output: bytes,
});
type Queues = z.infer<typeof queuesSchema>;

/** A pseudo-terminal, for what is to be done with its queues. */
export interface PseudoTerminalEnds {
  /** Descriptor of the master, in the stub. */
  readonly master: number;
  readonly index: number;
  readonly packets: boolean;
  /** Whether a program has the terminal open. */
  readonly inUse: boolean;
  readonly termios: Uint8Array;
}

const FIONREAD = 0x541b;
const TIOCPKT = 0x5420;
const O_RDWR_NONBLOCK = 0o4002;
const EAGAIN = 11;
const PIECE = 256;
/** More than the kernel ever queues at a pseudo-terminal, in bytes. */
const MOST = 0x40000;
const NAP_NS = 2_000_000;
const MOST_NAPS = 100;

/** Copies what is queued; nobody else may use either end meanwhile. */
export function* peekQueues(stub: Stub, ends: PseudoTerminalEnds): Program<Queues> {
  const { master, packets, inUse } = ends;
  const output: Uint8Array[] = [];
  const input: Uint8Array[] = [];
  if (packets) yield* stub.call("ioctl", master, TIOCPKT, word(0));
  try {
    yield* drain(stub, master, output);
    // To open it where nobody has it open would be noticed at the master.
    if (inUse) yield* drainInput(stub, ends, input);
  } finally {
    try {
      yield* fillQueues(stub, ends, { input: concat(input), output: concat(output) });
    } finally {
      if (packets) yield* stub.call("ioctl", master, TIOCPKT, word(1));
    }
  }
  return { input: concat(input), output: concat(output) };
}

/** Puts bytes into the queues, as if they had come in as they are to be read. */
export function* fillQueues(
  stub: Stub,
  { master, index, termios }: Omit<PseudoTerminalEnds, "inUse">,
  { input, output }: Queues,
): Program<void> {
  if (input.length === 0 && output.length === 0) return;
  const terminal = yield* openTerminal(stub, index);
  try {
    yield* setTermios(stub, terminal, transparent(termios, isCanonical(termios)));
    try {
      yield* put(stub, master, input);
      yield* put(stub, terminal, output);
      // The kernel carries it over in the background.
      yield* sleep(stub, NAP_NS);
    } finally {
      yield* setTermios(stub, terminal, termios);
    }
  } finally {
    yield* stub.attempt("close", terminal);
  }
}

/** Takes out what the programs on a terminal could read, and the beginning of a line, which they could not. */
function* drainInput(
  stub: Stub,
  { master, index, termios }: PseudoTerminalEnds,
  pieces: Uint8Array[],
): Program<void> {
  const terminal = yield* openTerminal(stub, index);
  try {
    yield* setTermios(stub, master, transparent(termios, false));
    try {
      yield* drain(stub, terminal, pieces);
    } finally {
      yield* setTermios(stub, master, termios);
    }
  } finally {
    yield* stub.attempt("close", terminal);
  }
}

/** Takes out what can be read, piece by piece, so that what was taken is known whatever fails. */
function* drain(stub: Stub, fd: number, pieces: Uint8Array[]): Program<void> {
  for (let total = 0, waited = false; total < MOST;) {
    yield* stub.call("ioctl", fd, FIONREAD, stub.out);
    const there = stub.view(4).getInt32(0, true);
    if (there <= 0) {
      // What did not fit behind this comes once it is read.
      if (total === 0 || waited) break;
      waited = true;
      yield* sleep(stub, NAP_NS);
      continue;
    }
    waited = false;
    const length = yield* stub.call("read", fd, stub.out, Math.min(there, OUT_BYTES));
    if (length === 0) break;
    pieces.push(stub.results(length));
    total += length;
  }
}

function* put(stub: Stub, fd: number, data: Uint8Array): Program<void> {
  let naps = 0;
  for (let at = 0; at < data.length;) {
    const piece = data.subarray(at, at + PIECE);
    const written = yield* stub.attempt("write", fd, piece, piece.length);
    if (written > 0) {
      at += written;
    } else if ((written === 0 || written === -EAGAIN) && naps++ < MOST_NAPS) {
      yield* sleep(stub, NAP_NS);
    } else {
      throw new CannotCarry(`a terminal does not take back the ${data.length} bytes queued in it`);
    }
  }
}

function* openTerminal(stub: Stub, index: number): Program<number> {
  return yield* stub.call("open", `/dev/pts/${index}`, O_RDWR_NONBLOCK | O_NOCTTY);
}

function word(value: number): Uint8Array {
  return new Uint8Array(Int32Array.of(value).buffer);
}
