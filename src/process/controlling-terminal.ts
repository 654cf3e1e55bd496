/**
 * The terminal that controls a session.
 *
 * References:
 * - [ioctl_tty(2)] TIOCSCTTY, TIOCSPGRP; [credentials(7)]
 */
import type { Program } from "../guest/gate.js";
import type { Stub } from "../guest/stub-session.js";
import type { ProcessImage } from "./image.js";

const TIOCSPGRP = 0x5410;
const TIOCSCTTY = 0x540e;
const STEAL = 1;
const O_RDWR_NOCTTY = 0o402;

/**
 * Gives the leader of a new session its terminal, in that process: children get it by being forked, so
 * none of its session may be there yet.
 */
export function* takeTerminal(
  stub: Stub,
  process: Pick<ProcessImage, "pid" | "session" | "controllingTerminal">,
): Program<void> {
  const { pid, session, controllingTerminal } = process;
  if (session !== pid || controllingTerminal === null) return;
  const fd = yield* stub.call("open", controllingTerminal.path, O_RDWR_NOCTTY);
  yield* stub.call("ioctl", fd, TIOCSCTTY, STEAL);
  yield* stub.call("close", fd);
}

/** For a session leader, in that process: which group is in front at its terminal, once the groups are there. */
export function* bringForward(stub: Stub, process: ProcessImage): Program<void> {
  const { pid, session, controllingTerminal } = process;
  if (session !== pid || controllingTerminal === null) return;
  const fd = yield* stub.call("open", controllingTerminal.path, O_RDWR_NOCTTY);
  const foreground = new Uint8Array(Int32Array.of(controllingTerminal.foreground).buffer);
  // The group in front may have ended, or not be of the tree.
  yield* stub.attempt("ioctl", fd, TIOCSPGRP, foreground);
  yield* stub.call("close", fd);
}
