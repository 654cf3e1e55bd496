/**
 * Commands for a shell of its own, which is no terminal's and no user's.
 *
 * References:
 * - [execve(2)], [memfd_create(2)], [wait4(2)], [setsid(2)]; the status is that of [sh(1)] `$?`
 */
import type { Program } from "./gate.js";
import { signalSet } from "./signals.js";
import type { Stub } from "./stub-session.js";

/** A shell under way: a child of the stub. */
export interface Shell {
  readonly pid: number;
  /** A descriptor of the stub: a file without a name, for all that the shell prints. */
  readonly output: number;
}

/** How a shell's command ended. */
export interface ShellResult {
  /** The end of what it printed. */
  readonly output: string;
  /** As a shell gives it: 128 and more is a signal. */
  readonly status: number;
}

const MFD_CLOEXEC = 1;
const WNOHANG = 1;
const SEEK_END = 2;
const SIG_SETMASK = 2;
const NO_SUCH_PROGRAM = 127;
const ENVIRONMENT = ["HOME=/root", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "TERM=dumb"];

/** More than this of what a command prints is not given back, in bytes. */
const MOST_OUTPUT = 4096;

/** Starts a command in a login shell of root, with no terminal and nothing to read. */
export function* startShell(stub: Stub, command: string): Program<Shell> {
  const output = yield* stub.call("memfd_create", "output", MFD_CLOEXEC);
  const pid = yield* stub.fork(null, function* (child) {
    yield* child.call("setsid");
    const input = yield* child.call("open", "/dev/null", 0);
    for (const [from, to] of [
      [input, 0],
      [output, 1],
      [output, 2],
    ] as const) {
      if (from !== to) yield* child.call("dup2", from, to);
    }
    yield* child.call("chdir", "/root");
    yield* child.call("rt_sigprocmask", SIG_SETMASK, signalSet([]), 0, 8);
    yield* execute(child, "/bin/sh", ["sh", "-l", "-c", command]);
    yield* child.attempt("exit_group", NO_SUCH_PROGRAM);
  });
  return { pid, output };
}

/** What a shell came to, which is forgotten then; null while it runs. */
export function* shellResult(stub: Stub, { pid, output }: Shell): Program<ShellResult | null> {
  const ended = yield* stub.call("wait4", pid, stub.out, WNOHANG, 0);
  if (ended === 0) return null;
  const status = stub.view(4).getUint32(0, true);
  const length = yield* stub.call("lseek", output, 0, SEEK_END);
  const from = Math.max(0, length - MOST_OUTPUT);
  const read = yield* stub.call("pread64", output, stub.out, MOST_OUTPUT, from, 0);
  const text = new TextDecoder().decode(stub.results(read));
  yield* stub.call("close", output);
  const signal = status & 0x7f;
  return { output: text, status: signal === 0 ? (status >> 8) & 0xff : 128 + signal };
}

/** Becomes another program; what it returns is that this failed. */
function* execute(stub: Stub, path: string, args: readonly string[]): Program<void> {
  const encoder = new TextEncoder();
  const bytes: number[] = [];
  const addresses = [...args, ...ENVIRONMENT].map((text) => {
    const at = stub.out + bytes.length;
    bytes.push(...encoder.encode(text), 0);
    return at;
  });
  while (bytes.length % 4 !== 0) bytes.push(0);
  const argumentsAt = stub.out + bytes.length;
  const environmentAt = argumentsAt + 4 * (args.length + 1);
  const pointers = [...addresses.slice(0, args.length), 0, ...addresses.slice(args.length), 0];
  const tail = new Uint8Array(Uint32Array.from(pointers).buffer);
  stub.memory.write(stub.out, Uint8Array.from([...bytes, ...tail]));
  yield* stub.attempt("execve", path, argumentsAt, environmentAt);
}
