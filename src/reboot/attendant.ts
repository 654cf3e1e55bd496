import { after, type VirtualMs } from "../clock/virtual-time.js";
import { WaitExpired } from "../machine/errors.js";
import type { Machine } from "../machine/machine.js";
import { withoutControls } from "../machine/plain-text.js";
import { UpdateFailed } from "./errors.js";

/** The serial line on which a guest's attendant listens. */
export const ATTENDANT_LINE = 1;

/** What the attendant can be asked to do, and how its answer begins when it has done it. */
const ANSWERS = {
  freeze: "frozen",
  thaw: "thawed",
  attach: "attached",
  kernel: "kernel",
  reboot: "rebooting",
  stub: "stub",
  seat: "seated",
} as const;

/** A line longer than this is not an answer; the guest is not trusted to end its lines. */
const LONGEST_LINE = 500;
/** More lines than this are not kept until somebody looks at them. */
const MOST_ANSWERS = 100;

/**
 * The VMM's end of a guest's attendant: a small program in the guest that answers questions and does
 * what only the inside can do, as a hypervisor's guest agent does.
 */
export interface Attendant {
  /**
   * Asks for something and lets time pass until it is done. Resolves to the rest of the answer.
   *
   * @param withinMs how long to wait, in ms of virtual time
   * @param argument what the request is about: for `seat`, a process id
   * @param isDone tells whether an answer is not waited for any longer
   * @throws {UpdateFailed} if the guest says that it failed
   * @throws {WaitExpired} if there is no answer in time
   */
  ask(
    request: keyof typeof ANSWERS,
    withinMs: number,
    argument?: number,
    isDone?: () => boolean,
  ): Promise<string>;
  /** Has a stub woken; it gets the signal when time passes. */
  wake(pid: number): Promise<void>;
  /** Sends a ping that arrives at a moment of the machine's clock; lost if the guest is behind with reading. */
  ping(number: number, atMs: VirtualMs): Promise<void>;
  /** Calls `listener` for each ping that is answered, with the moment of the machine's clock. */
  onPong(listener: (number: number, atMs: VirtualMs) => void): void;
  /** Forgets a line that was begun: the machine goes on from another state. */
  forget(): void;
}

/**
 * Connects to the attendant of a machine.
 *
 * @param advance lets time pass up to a moment of the machine's clock
 */
export function connectAttendant(
  machine: Pick<Machine, "name" | "now" | "onOutput" | "send">,
  advance: (until: VirtualMs) => Promise<void>,
): Attendant {
  const decoder = new TextDecoder();
  const pongListeners = new Set<(number: number, atMs: VirtualMs) => void>();
  let line = "";
  let answers: string[] = [];

  machine.onOutput((output) => {
    if (output.line !== ATTENDANT_LINE) return;
    line += decoder.decode(output.bytes, { stream: true });
    const lines = line.split("\n");
    // One more is kept, so that a line that is too long stays so.
    line = (lines.pop() ?? "").slice(-LONGEST_LINE - 1);
    for (const each of lines) {
      if (each.length <= LONGEST_LINE) heard(withoutControls(each).trim(), output.atMs);
    }
  });

  function heard(answer: string, atMs: VirtualMs): void {
    const pong = /^pong (\d{1,9})$/.exec(answer);
    if (pong === null) {
      if (answers.length < MOST_ANSWERS) answers.push(answer);
    } else for (const listener of pongListeners) listener(Number(pong[1]), atMs);
  }

  function send(text: string, atMs: VirtualMs, ifRead: boolean): Promise<void> {
    const bytes = new TextEncoder().encode(`${text}\n`);
    return machine.send({ atMs, line: ATTENDANT_LINE, bytes, ifRead });
  }

  return {
    wake: (pid) => send(`wake ${pid}`, machine.now(), false),
    async ask(request, withinMs, argument, isDone) {
      answers = [];
      const text = argument === undefined ? request : `${request} ${argument}`;
      await send(text, machine.now(), false);
      const deadline = after(machine.now(), withinMs);
      for (;;) {
        for (const answer of answers.splice(0)) {
          if (answer.startsWith(ANSWERS[request])) {
            return answer.slice(ANSWERS[request].length).trim();
          }
          if (answer.startsWith("failed")) {
            throw new UpdateFailed(`the guest could not ${request}:${answer.slice(6)}`);
          }
        }
        if (isDone?.() === true) return "";
        if (machine.now() >= deadline) {
          throw new WaitExpired(machine.name, `its attendant to ${request}`, withinMs, line);
        }
        await advance(after(machine.now(), 1));
      }
    },
    ping: (number, atMs) => send(`ping ${number}`, atMs, true),
    onPong(listener) {
      pongListeners.add(listener);
    },
    forget() {
      line = "";
      answers = [];
    },
  };
}
