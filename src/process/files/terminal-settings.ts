/**
 * Settings of terminals of every kind.
 *
 * References:
 * - [ioctl_tty(2)], [termios(3)]; layouts are those of arch/x86 and include/uapi/asm-generic/termbits.h
 */
import { z } from "zod";
import { bytes } from "../bytes-schema.js";
import type { Program } from "../../guest/gate.js";
import type { Stub } from "../../guest/stub-session.js";

const TCGETS = 0x5401;
const TCSETS = 0x5402;
const TIOCGWINSZ = 0x5413;
const TIOCSWINSZ = 0x5414;
const TERMIOS_BYTES = 36;
const WINSIZE_BYTES = 8;

/** Of [open(2)]: who opens a terminal does not get it as controlling terminal. */
export const O_NOCTTY = 0o400;

/** What can be set at every terminal. */
export const terminalSettingsSchema = z.strictObject({
  /** `struct termios` as the kernel keeps it. */
  termios: bytes,
  /** `struct winsize`. */
  size: bytes,
});
/** @see terminalSettingsSchema */
export type TerminalSettings = Readonly<z.infer<typeof terminalSettingsSchema>>;

/** Reads a terminal's settings; at a master, those of its pseudo-terminal. */
export function* getSettings(stub: Stub, fd: number): Program<TerminalSettings> {
  yield* stub.call("ioctl", fd, TCGETS, stub.out);
  const termios = stub.results(TERMIOS_BYTES);
  yield* stub.call("ioctl", fd, TIOCGWINSZ, stub.out);
  return { termios, size: stub.results(WINSIZE_BYTES) };
}

/** Sets a terminal up. */
export function* setSettings(
  stub: Stub,
  fd: number,
  { termios, size }: TerminalSettings,
): Program<void> {
  yield* setTermios(stub, fd, termios);
  yield* stub.call("ioctl", fd, TIOCSWINSZ, size);
}

/** Sets all but the window size. */
export function* setTermios(stub: Stub, fd: number, termios: Uint8Array): Program<void> {
  yield* stub.call("ioctl", fd, TCSETS, termios);
}

// `struct termios`: four words of modes, the line discipline, control characters.
const LOCAL_MODES = 12;
const CONTROL_CHARACTERS = 17;
const VMIN = 6;
const VEOL = 11;
const ICANON = 2;

/** Whether input is read by lines. */
export function isCanonical(termios: Uint8Array): boolean {
  return (localModes(termios) & ICANON) !== 0;
}

/** Settings under which what is written comes out as it went in, and nobody is sent a signal. */
export function transparent(termios: Uint8Array, canonical: boolean): Uint8Array {
  const quiet = termios.slice();
  const view = new DataView(quiet.buffer);
  view.setUint32(0, 0, true);
  view.setUint32(4, 0, true);
  view.setUint32(LOCAL_MODES, canonical ? ICANON : 0, true);
  quiet.fill(0, CONTROL_CHARACTERS);
  quiet[CONTROL_CHARACTERS + VMIN] = 1;
  // Besides the newline it ends a line.
  quiet[CONTROL_CHARACTERS + VEOL] = termios[CONTROL_CHARACTERS + VEOL] ?? 0;
  return quiet;
}

function localModes(termios: Uint8Array): number {
  return new DataView(termios.buffer, termios.byteOffset).getUint32(LOCAL_MODES, true);
}
