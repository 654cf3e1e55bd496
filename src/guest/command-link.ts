import { after, type VirtualMs } from "../clock/virtual-time.js";
import { WaitExpired } from "../machine/errors.js";
import type { Machine } from "../machine/machine.js";
import type { Command, LoopOptions, LoopReply, LoopRequest } from "./command-loop.js";
import type { Program } from "./gate.js";

/** Commands by name, each a program that takes one argument. */
export type CommandTable = Readonly<Record<string, Command>>;
type ArgumentOf<C> = C extends (stub: never, argument: infer A) => unknown ? A : never;
type ResultOf<C> = C extends (...args: never[]) => Program<infer R> ? R : never;

/** Something that a guest was commanded to do has failed. */
export class CommandFailed extends Error {
  override readonly name = "CommandFailed";
}

/** What a stub needs from the system that it runs in. */
export interface StubStarter {
  /** Starts the stub's program as root in the guest. */
  start(): Promise<void>;
  /** Sends WAKE to a process; null if nothing in the guest can, and the stub has to look by itself. */
  readonly wake: ((pid: number) => Promise<void>) | null;
  /** Lets time pass up to a moment of the machine's clock. */
  advance(until: VirtualMs): Promise<void>;
}

/** The near end of a stub that takes commands. */
export interface CommandLink<C extends CommandTable> {
  /** Process id of the stub. */
  readonly pid: number;
  /**
   * Has a command carried out, and lets time pass until it is.
   *
   * @param withinMs how long it may take, in ms of virtual time
   * @throws {CommandFailed} with what it failed with
   * @throws {WaitExpired}
   */
  ask<N extends string & keyof C>(
    name: N,
    argument: ArgumentOf<C[N]>,
    withinMs: number,
  ): Promise<ResultOf<C[N]>>;
  /** Gives a command and lets no time pass; what it resolves to does, as `ask` would. For two guests that work at the same time. */
  begin<N extends string & keyof C>(
    name: N,
    argument: ArgumentOf<C[N]>,
    withinMs: number,
  ): Promise<() => Promise<ResultOf<C[N]>>>;
  /** Gives a command that never comes to its end: the stub goes down with its system. */
  tell<N extends string & keyof C>(name: N, argument: ArgumentOf<C[N]>): Promise<void>;
  /** System calls that the last command took. */
  calls(): number;
  /** Lets the stub end. */
  leave(): Promise<void>;
}

/** How long a stub may take to appear, in ms of virtual time. */
const START_LIMIT_MS = 5000;

/** How often the far end is asked how far it is, in ms of virtual time. */
const POLL_MS = 0.25;
/** How often a stub that nobody can wake looks for commands, in ms of virtual time. */
const UNWOKEN_POLL_MS = 1;

/** Starts a stub in a guest and links to it. */
export async function linkStub<C extends CommandTable>(
  machine: Machine,
  starter: StubStarter,
  { failCall = null }: { readonly failCall?: number | null } = {},
): Promise<CommandLink<C>> {
  const request = (message: LoopRequest): Promise<unknown> => machine.askResident(message);
  const options: LoopOptions = {
    pollMs: starter.wake === null ? UNWOKEN_POLL_MS : null,
    failCall,
  };
  let calls = 0;

  async function settle(what: string, withinMs: number, waits: LoopReply["state"]) {
    const deadline = after(machine.now(), withinMs);
    for (;;) {
      // The answer comes from the loop of the same version, which gives LoopReply.
      const reply = (await request({ kind: "poll" })) as LoopReply;
      if (reply.state === "failed") throw new CommandFailed(`${what}: ${reply.message}`);
      if (reply.state !== waits) return reply;
      if (machine.now() >= deadline) throw new WaitExpired(machine.name, what, withinMs, "");
      await starter.advance(after(machine.now(), POLL_MS));
    }
  }

  await request({ kind: "expect-stub", options });
  await starter.start();
  const arrived = await settle("the stub to start", START_LIMIT_MS, "absent");
  if (arrived.state !== "waiting") throw new CommandFailed("the stub did not wait for commands");
  const { pid } = arrived;

  async function tell(name: string, argument: unknown): Promise<void> {
    await request({ kind: "command", name, argument });
    await starter.wake?.(pid);
  }

  async function begin<N extends string & keyof C>(
    name: N,
    argument: ArgumentOf<C[N]>,
    withinMs: number,
  ): Promise<() => Promise<ResultOf<C[N]>>> {
    await tell(name, argument);
    return async () => {
      const reply = await settle(name, withinMs, "busy");
      if (reply.state !== "done") throw new CommandFailed(`${name}: the stub is gone`);
      calls = reply.calls;
      // The commands of both ends are the same table.
      return reply.value as never;
    };
  }

  return {
    pid,
    tell,
    begin,
    ask: async (...command) => (await begin(...command))(),
    calls: () => calls,
    async leave() {
      await request({ kind: "leave" });
      await starter.wake?.(pid);
    },
  };
}
