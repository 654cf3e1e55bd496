import type { ReadStream, WriteStream } from "node:tty";
import { setTimeout as sleep } from "node:timers/promises";
import { createPacer, FRAME_MS } from "../clock/pacer.js";
import { after } from "../clock/virtual-time.js";
import type { Machine } from "../machine/machine.js";

/** Ctrl-], as telnet has it: no program in a guest is likely to want it. */
const LEAVE = 0x1d;

/** Once the input has ended, the session does when the guest has written nothing for so long, in ms of virtual time. */
export const QUIET_MS = 5000;

/** The guest's login console. */
const LINE = 0;

/**
 * Ends what a program in the guest may have left on: the alternate screen (xterm's private mode 1049,
 * which also restores the cursor, so that it is saved first), then colours and other modes (DECSTR).
 */
const SOFT_RESET = "\u001b7\u001b[?1049l\u001b[!p";

/**
 * Puts a person, or a pipe, at the console of a running machine: what comes from `stdin` is typed, at
 * the pace of real time. A person leaves by Ctrl-]; a pipe by its end, after which the guest runs on, as
 * fast as it can, until it is quiet. What the guest writes must be shown by the caller.
 */
export async function runSession(
  machine: Machine,
  stdin: ReadStream,
  stdout: WriteStream,
  signal: AbortSignal,
): Promise<void> {
  const typed: Uint8Array[] = [];
  const session = { left: false, ended: false, quietSince: machine.now() };
  const isOver = (): boolean =>
    session.left || (session.ended && machine.now() - session.quietSince >= QUIET_MS);

  const onData = (chunk: Uint8Array): void => {
    const leaveAt = stdin.isTTY ? chunk.indexOf(LEAVE) : -1;
    session.left ||= leaveAt >= 0;
    typed.push(leaveAt >= 0 ? chunk.subarray(0, leaveAt) : chunk);
  };
  const onEnd = (): void => {
    session.ended = true;
    session.quietSince = machine.now();
  };
  const stopListening = machine.onOutput(({ atMs }) => {
    session.quietSince = atMs;
  });
  if (stdin.isTTY) stdin.setRawMode(true);
  stdin.on("data", onData).once("end", onEnd);
  try {
    const real = { now: () => performance.now(), wait: sleep };
    const pacer = createPacer(real, machine.now());
    while (!isOver()) {
      const now = machine.now();
      const until = session.ended ? after(now, FRAME_MS) : await pacer.next(now);
      signal.throwIfAborted();
      for (const bytes of typed.splice(0)) {
        await machine.send({ atMs: now, line: LINE, bytes, ifRead: false });
      }
      await machine.run({ until });
    }
  } finally {
    stopListening();
    stdin.off("data", onData).off("end", onEnd).pause();
    if (stdin.isTTY) stdin.setRawMode(false);
    if (stdin.isTTY && stdout.isTTY) stdout.write(SOFT_RESET);
  }
}
