import type { GuestAccess } from "../machine/resident.js";
import { FIRST_LOOP, ROOT_TOKEN } from "./stub.js";
import { SYSTEM_CALLS } from "./system-calls.js";

/** A system call, as the registers hold it. */
export interface Call {
  readonly number: number;
  /** Up to six arguments; what is missing is zero. */
  readonly args: readonly number[];
  /** Where the stub goes on after the call; null to stay where it is. */
  readonly goOnAt?: number;
}

/**
 * What a stub does: it yields system calls, gets what each returned (an error as its negative number)
 * and returns a result. Programs run while their guest stands still, between two of its instructions.
 */
export type Program<T> = Generator<Call, T, number>;

/** A task that runs the stub, and the program that drives it. */
interface StubTask {
  readonly program: Program<unknown>;
  /** What was put in the registers for the call under way, to know the task again by. */
  last: readonly number[];
}

/** A task as the processor sees it when the stub traps. */
export interface TrappedTask {
  /** Physical address of the root of its page tables. */
  readonly root: number;
  readonly extended: boolean;
}

/** Lets many stubs in one guest be driven by programs. */
export interface Gate {
  /**
   * Gives a program to the stub that will arrive with a token in ebp. A program that ends makes its task
   * exit.
   */
  expect(token: number, start: (task: TrappedTask) => Program<unknown>): void;
  /** A token that no stub has had before. */
  newToken(): number;
  /** The guest's stub has trapped. */
  trap(): void;
  /** Forgets all tasks: they are gone. */
  forget(): void;
  /** System calls made so far. */
  calls(): number;
  /** Lets a call fail with EIO instead of being made, counted from the next; null for none. */
  failCall(number: number | null): void;
}

// Order of the argument registers in the register file: ebx, ecx, edx, esi, edi, ebp.
const ARGUMENTS = [3, 1, 2, 6, 7, 5] as const;
const EAX = 0;
const EDX = 2;
const EIO = 5;
const ESP = 4;
const EBP = 5;

const EXIT: Call = { number: SYSTEM_CALLS.exit_group, args: [1] };

/**
 * Makes a gate.
 *
 * @param failed called with what a program threw; gives what its task does before it exits, if anything
 */
export function createGate(access: GuestAccess, failed: (error: unknown) => Call | null): Gate {
  const tasks = new Map<string, StubTask>();
  const expected = new Map<number, (task: TrappedTask) => Program<unknown>>();
  let nextToken = 1;
  let calls = 0;
  let failing = Infinity;

  /** The task that trapped; a task that was killed may have left its place to another. */
  function find(key: string, registers: Int32Array): StubTask | null {
    const task = tasks.get(key);
    const isIt = task?.last.every((value, index) => {
      const register = ARGUMENTS[index] ?? EAX;
      // The stub puts the port's number there.
      return register === EDX || registers[register] === value;
    });
    if (task !== undefined && isIt === true) return task;
    tasks.delete(key);
    return null;
  }

  function nextCall(task: StubTask, result: number): Call | null {
    try {
      let { done, value } = task.program.next(result);
      if (done !== true && ++calls === failing) ({ done, value } = task.program.next(-EIO));
      // The cast tells what `done` tells: the loop above has lost the connection of the two.
      return done === true ? null : (value as Call);
    } catch (error) {
      return failed(error);
    }
  }

  return {
    expect(token, start) {
      expected.set(token, start);
    },
    newToken: () => nextToken++,
    calls: () => calls,
    failCall(number) {
      failing = number === null ? Infinity : calls + number;
    },
    forget() {
      tasks.clear();
      expected.clear();
    },
    trap() {
      const registers = access.registers();
      const { root, extended } = access.pageTables();
      const key = `${root}/${registers[ESP] ?? 0}`;
      let task = find(key, registers);
      if (task === null) {
        const token = registers[EBP] ?? 0;
        // A stub of which nothing is known any more, as it has been forgotten, may have any number there.
        const isNew = token !== ROOT_TOKEN || registers[ESP] === FIRST_LOOP;
        const start = isNew ? expected.get(token) : undefined;
        if (isNew) expected.delete(token);
        if (start !== undefined) {
          task = { program: start({ root, extended }), last: [] };
          tasks.set(key, task);
        }
      }
      const call = task === null ? null : nextCall(task, registers[EAX] ?? 0);
      // The program may have written to memory, and so have moved what a view shows.
      put(access.registers(), call ?? EXIT);
      if (task === null) return;
      if (call === null) {
        tasks.delete(key);
        return;
      }
      task.last = ARGUMENTS.map((_, index) => (call.args[index] ?? 0) | 0);
      if (call.goOnAt !== undefined) {
        tasks.delete(key);
        tasks.set(`${root}/${call.goOnAt}`, task);
      }
    },
  };
}

function put(registers: Int32Array, { number, args, goOnAt }: Call): void {
  registers[EAX] = number;
  for (const [index, register] of ARGUMENTS.entries()) registers[register] = args[index] ?? 0;
  if (goOnAt !== undefined) registers[ESP] = goOnAt;
}
