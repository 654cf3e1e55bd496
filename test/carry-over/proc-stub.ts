import type { Program } from "../../src/guest/gate.js";
import type { Argument, Stub } from "../../src/guest/stub-session.js";
import { SystemCallFailed } from "../../src/guest/errno.js";

const ENOENT = 2;

/** Entries of a directory as getdents(2) has them. */
export function directoryEntries(names: readonly string[]): Uint8Array {
  const entries = names.map((name) => {
    const entry = Buffer.alloc(19 + name.length + 1);
    entry.writeUInt16LE(entry.length, 16);
    entry.write(name, 19, "latin1");
    return entry;
  });
  return new Uint8Array(Buffer.concat(entries));
}

/**
 * A stub to which nothing is there but some files and directories, each in the pieces in which it is read.
 * Those of a file of numbers fail with that error.
 */
export function stubThatReads(files: Record<string, Iterable<Uint8Array> | number>): Stub {
  const open = new Map<number, Iterator<Uint8Array>>();
  let last = new Uint8Array();
  function make(name: string, [first, second]: readonly Argument[]): number {
    if (name === "open") {
      const file = files[String(first)] ?? ENOENT;
      if (typeof file === "number") throw new SystemCallFailed(`open("${String(first)}")`, file);
      const fd = open.size + 3;
      open.set(fd, file[Symbol.iterator]());
      return fd;
    }
    if (name === "close") return 0;
    if (name !== "read" && name !== "getdents64") throw new Error(`${name}(${String(second)})`);
    const next = open.get(Number(first))?.next();
    last =
      next === undefined || next.done === true ? new Uint8Array() : Uint8Array.from(next.value);
    return last.length;
  }
  function* call(name: string, ...args: readonly Argument[]): Program<number> {
    return make(name, args);
  }
  const results = (length: number): Uint8Array => last.subarray(0, length);
  // To read files and directories takes no more of a stub.
  return { out: 0, call, attempt: call, results } as unknown as Stub;
}

/** What a program returns that a guest need not do anything for. */
export function outcomeOf<T>(program: Program<T>): T {
  const { done, value } = program.next(0);
  if (done !== true) throw new Error("the program waits for a guest");
  return value;
}
