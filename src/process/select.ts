import type { Program } from "../guest/gate.js";
import { listNumbers } from "../guest/files.js";
import { parseStat } from "../guest/procfs.js";
import { OUT_BYTES, type Stub } from "../guest/stub-session.js";
import { SystemCallFailed } from "../guest/errno.js";

/** Which processes are meant: each with all that descend from it, but for what is excluded. */
export type Selection =
  | { readonly by: "pid"; readonly pid: number }
  /** All processes of this name, as `comm` gives it. */
  | { readonly by: "name"; readonly name: string }
  /** All processes of a session, by the process id of its leader. */
  | { readonly by: "session"; readonly session: number }
  /** Not this process, nor what descends from it. */
  | { readonly by: "exclusion"; readonly pid: number };

/** A process as `/proc` shows it. */
export interface ProcessSummary {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  readonly session: number;
  readonly name: string;
  /** R, S, D, Z, T, t, X. */
  readonly state: string;
  /** Terminal that controls it, as a device number; 0 for none. */
  readonly terminal: number;
  /** Process group in the foreground of that terminal, or -1. */
  readonly foreground: number;
  /** Kernel threads have no memory of their own. */
  readonly kernelThread: boolean;
}

const PF_KTHREAD = 0x200000;

/** Reads what `/proc` shows of a process. */
export function* summarise(stub: Stub, pid: number): Program<ProcessSummary> {
  const fd = yield* stub.call("open", `/proc/${pid}/stat`, 0);
  // A line that is read as a whole or not at all: there are many of them to read.
  const length = yield* stub.attempt("read", fd, stub.out, OUT_BYTES);
  const text = new TextDecoder().decode(stub.results(Math.max(length, 0)));
  yield* stub.call("close", fd);
  if (length < 0) throw new SystemCallFailed(`read of /proc/${pid}/stat`, -length);
  const stat = parseStat(text);
  return {
    pid,
    parent: stat.field(4),
    group: stat.field(5),
    session: stat.field(6),
    name: stat.name,
    state: stat.state,
    terminal: stat.field(7),
    foreground: stat.field(8),
    kernelThread: (stat.field(9) & PF_KTHREAD) !== 0,
  };
}

/**
 * All processes, ascending by process id.
 *
 * @param skip process ids of no interest
 */
export function* listProcesses(
  stub: Stub,
  skip: ReadonlySet<number> = new Set(),
): Program<ProcessSummary[]> {
  const processes: ProcessSummary[] = [];
  for (const pid of yield* listNumbers(stub, "/proc")) {
    if (skip.has(pid)) continue;
    try {
      processes.push(yield* summarise(stub, pid));
    } catch (error) {
      // It has ended since the directory was read.
      if (!(error instanceof SystemCallFailed && error.is("ENOENT", "ESRCH"))) throw error;
    }
  }
  return processes;
}

/** The processes that are selected, parents before their children; `own` and its parents are never among them. */
export function select(
  all: readonly ProcessSummary[],
  selections: readonly Selection[],
  own: number,
): ProcessSummary[] {
  const spared = ancestry(all, own);
  const chosen = new Set<number>();
  const isChosen = (process: ProcessSummary): boolean =>
    selections.some((selection) => {
      switch (selection.by) {
        case "pid":
          return process.pid === selection.pid;
        case "name":
          return process.name === selection.name;
        case "session":
          return process.session === selection.session;
        case "exclusion":
          return false;
      }
    });
  // A child can have a lower number than its parent once the numbers have wrapped.
  const inOrder: ProcessSummary[] = [];
  const excluded = new Set(selections.flatMap((each) => (each.by === "exclusion" ? each.pid : [])));
  const visit = (process: ProcessSummary, parentChosen: boolean): void => {
    if (excluded.has(process.pid)) return;
    const taken = (parentChosen || isChosen(process)) && !process.kernelThread;
    if (taken && !spared.has(process.pid) && !chosen.has(process.pid)) {
      chosen.add(process.pid);
      inOrder.push(process);
    }
    for (const child of all) if (child.parent === process.pid) visit(child, taken);
  };
  for (const process of all) if (process.parent === 0) visit(process, false);
  return inOrder;
}

/** A process and those that it descends from; a list that was read while they changed may hold a circle. */
function ancestry(all: readonly ProcessSummary[], pid: number): ReadonlySet<number> {
  const line = new Set<number>();
  for (let at: number | undefined = pid; at !== undefined && !line.has(at);) {
    const next: number = at;
    line.add(next);
    at = all.find((each) => each.pid === next)?.parent;
  }
  return line;
}
