import type { Program } from "./gate.js";
import { errnoOf, SystemCallFailed } from "./errno.js";
import type { TaskMemory } from "./memory.js";
import { callInside, type Tracee } from "./tracee.js";
import { type Argument, OUT_BYTES, type Stub } from "./stub-session.js";

/** Ways to make system calls in a stopped task, as it makes them itself. */
export interface Inside extends Pick<Stub, "attempt" | "call"> {
  /** Where in its memory the first argument of a call lies that is passed by address. */
  readonly argumentsAt: number;
}

/** Memory of a stopped task that nothing else uses: OUT_BYTES from an address on. */
export interface Room {
  readonly memory: TaskMemory;
  readonly at: number;
}

/**
 * Makes system calls in a stopped task, whose signals must all be blocked; what they pass by address is
 * put in its room.
 */
export function openInside(stub: Stub, tracee: Tracee, { memory, at }: Room): Inside {
  function place(args: readonly Argument[]): number[] {
    let free = at;
    return args.map((argument) => {
      if (typeof argument === "number") return argument;
      const bytes =
        typeof argument === "string" ? new TextEncoder().encode(`${argument}\0`) : argument;
      const placed = free;
      free += (bytes.length + 15) & ~15;
      if (free > at + OUT_BYTES) throw new RangeError("arguments of a call are too long");
      memory.write(placed, bytes);
      return placed;
    });
  }

  const attempt: Inside["attempt"] = (name, ...args) =>
    callInside(stub, tracee, name, ...place(args));

  function* call(...[name, ...args]: Parameters<Inside["call"]>): Program<number> {
    const result = yield* attempt(name, ...args);
    const errno = errnoOf(result);
    if (errno !== null) throw new SystemCallFailed(`${name} in the task ${tracee.tid}`, errno);
    return result;
  }

  return { argumentsAt: at, attempt, call };
}
