import type { GuestAccess, Resident } from "../machine/resident.js";
import { createGate, type Program } from "./gate.js";
import { signalSet } from "./signals.js";
import { driveRoot, type Stub } from "./stub-session.js";
import { SYSTEM_CALLS } from "./system-calls.js";
import { BROUGHT_STUB, ROOT_TOKEN } from "./stub.js";

/** What a stub can be commanded to do: a program that takes and gives what can pass between threads. */
export type Command = (stub: Stub, argument: never) => Program<unknown>;

/** A request to the resident that {@link createCommandLoop} makes. */
export type LoopRequest =
  /** The next stub that arrives is to take commands; what an earlier one was doing is forgotten. */
  | { readonly kind: "expect-stub"; readonly options: LoopOptions }
  | { readonly kind: "command"; readonly name: string; readonly argument: unknown }
  /** Asks for the answer of the command under way. */
  | { readonly kind: "poll" }
  /** Lets the stub end when it is woken next. */
  | { readonly kind: "leave" };

/** How a stub waits for commands. */
export interface LoopOptions {
  /** How often the stub looks for a command by itself, in ms; null if it is always woken. */
  readonly pollMs: number | null;
  /** Makes the system call of this number, counted from the first of the first command, fail with EIO; null for none. */
  readonly failCall: number | null;
}

/** What a poll finds. */
export type LoopReply =
  | { readonly state: "absent" }
  | { readonly state: "waiting"; readonly pid: number }
  | { readonly state: "busy" }
  | { readonly state: "done"; readonly value: unknown; readonly calls: number }
  | { readonly state: "failed"; readonly name: string; readonly message: string };

/** The signal that wakes a parked stub; stubs have all signals blocked, so nothing else does. */
export const WAKE = 64;

/**
 * Makes a resident that has a stub in the guest carry out commands, one at a time.
 *
 * @param makeCommands makes the commands, by name, for a stub that has arrived
 */
export function createCommandLoop(
  access: GuestAccess,
  makeCommands: () => Readonly<Record<string, Command>>,
): Resident {
  let reply: LoopReply = { state: "absent" };
  let next: { name: string; argument: unknown } | null = null;
  let leaving = false;
  let leader: number | null = null;

  // What a command has started and can no longer be relied on: the stub ends, and what it has made with it.
  const gate = createGate(access, (error) => {
    reply = failed(error);
    gate.forget();
    if (leader === null) return null;
    const args = [leader, WAKE];
    leader = null;
    return { number: SYSTEM_CALLS.kill, args };
  });

  function failed(error: unknown): LoopReply {
    const { name, message } = error instanceof Error ? error : new Error(String(error));
    return { state: "failed", name, message };
  }

  /** Whoever has given another command meanwhile does not wait for this answer any more. */
  function answer(its: LoopReply): void {
    if (next === null) reply = its;
  }

  function* takeCommands(stub: Stub, { pollMs, failCall }: LoopOptions): Program<void> {
    const commands = makeCommands();
    yield* stub.call("rt_sigprocmask", 2, signalSet("all"), 0, 8);
    yield* stub.attempt("unlink", BROUGHT_STUB);
    const pid = yield* stub.call("getpid");
    leader = pid;
    let toFail = failCall;
    reply = { state: "waiting", pid };
    while (!leaving) {
      const command = next;
      if (command === null) {
        yield* park(stub, pollMs);
        continue;
      }
      next = null;
      const callsBefore = gate.calls();
      try {
        const run = commands[command.name];
        if (run === undefined) throw new RangeError(`there is no command "${command.name}"`);
        if (toFail !== null) gate.failCall(toFail);
        toFail = null;
        // The other end is typed by the same commands.
        const value = yield* run(stub, command.argument as never);
        answer({ state: "done", value, calls: gate.calls() - callsBefore });
      } catch (error) {
        answer(failed(error));
      }
    }
    leader = null;
    reply = { state: "absent" };
  }

  return {
    trap() {
      gate.trap();
    },
    forget() {
      gate.forget();
      leader = null;
      reply = { state: "absent" };
      next = null;
    },
    request(request) {
      // Whoever asks is typed by LoopRequest: it is our own code in another thread.
      const asked = request as LoopRequest;
      switch (asked.kind) {
        case "expect-stub":
          gate.forget();
          // The last stub may not have come as far as the call that was to fail.
          gate.failCall(null);
          next = null;
          leaving = false;
          leader = null;
          reply = { state: "absent" };
          gate.expect(ROOT_TOKEN, (task) =>
            driveRoot(access, gate, task, (stub) => takeCommands(stub, asked.options)),
          );
          return null;
        case "command":
          if (leader === null) {
            reply = failed(new Error("the stub has ended"));
            return null;
          }
          next = asked;
          reply = { state: "busy" };
          return null;
        case "leave":
          leaving = true;
          return null;
        case "poll":
          return reply;
      }
    },
  };
}

/**
 * Lets a stub sleep, at no cost to the guest, until another task sends it WAKE.
 *
 * @param withinMs wakes it after this long at the latest; null to sleep as long as it takes
 */
export function* park(stub: Stub, withinMs: number | null): Program<void> {
  const timeout = withinMs === null ? 0 : timespec(withinMs);
  yield* stub.attempt("rt_sigtimedwait", signalSet([WAKE]), 0, timeout, 8);
}

function timespec(ms: number): Uint8Array {
  const seconds = Math.floor(ms / 1000);
  return new Uint8Array(Int32Array.of(seconds, Math.round((ms - seconds * 1000) * 1e6)).buffer);
}
