/**
 * Starting the processes of a tree: each the child of its parent, in its session and its group.
 *
 * References:
 * - [clone3(2)] CLONE_PARENT; [setsid(2)], [setpgid(2)]; [credentials(7)], process groups and sessions
 */
import { SystemCallFailed } from "../guest/errno.js";
import type { Program } from "../guest/gate.js";
import { listNumbers } from "../guest/files.js";
import { signalSet } from "../guest/signals.js";
import type { Stub } from "../guest/stub-session.js";
import { takeTerminal } from "./controlling-terminal.js";
import type { Crew, Job } from "./crew.js";
import { CannotCarry } from "./files/file-kind.js";
import type { EndedProcess, ProcessImage, TreeImage } from "./image.js";

/** What has to be known of a process to start it. */
export type TreeProcess = Pick<
  ProcessImage,
  "pid" | "parent" | "session" | "controllingTerminal"
> & { readonly threads: readonly { readonly tid: number }[] };

const P_PID = 1;
const WEXITED_NOWAIT = 0x1000004;
const PR_SET_NAME = 15;
const PR_SET_DUMPABLE = 4;
const SIG_SETMASK = 2;

/**
 * Starts all processes, each with a member of the crew in it. A session whose leader has ended, and which
 * nobody can join any more, gets a leader that ends again. A process whose session is led by one that
 * stays behind comes into the session of the stub, if the number of its own is taken here.
 *
 * @param standing process ids of those that are there already; see `canJoin`
 * @throws {CannotCarry} if the number of a process or a thread is taken here
 */
export function* startTree(
  stub: Stub,
  crew: Crew,
  processes: readonly TreeProcess[],
  standing: ReadonlySet<number> = new Set(),
): Program<void> {
  const isMissing = ({ pid }: TreeProcess): boolean => !standing.has(pid);
  const taken = new Set(yield* listNumbers(stub, "/proc"));
  checkIds(processes.filter(isMissing), taken);
  const present = new Set(processes.map(({ pid }) => pid));
  /** Forks children that are to be in another session than who forks them. */
  function* forkElsewhere(parent: Stub, children: readonly TreeProcess[]): Program<void> {
    for (const session of new Set(children.map((child) => child.session))) {
      const its = children.filter((child) => child.session === session);
      if (session === 0 || present.has(session) || taken.has(session)) {
        yield* forkAll(parent, its);
        continue;
      }
      const isFree = yield* forkIfFree(parent, session, function* (leader) {
        yield* leader.call("setsid");
        for (const { pid } of its) yield* leader.fork(pid, crew.member(pid), { sibling: true });
      });
      if (isFree) yield* parent.call("wait4", session, 0, 0, 0);
      else yield* forkAll(parent, its);
    }
  }
  function* forkAll(parent: Stub, children: readonly TreeProcess[]): Program<void> {
    for (const { pid } of children) {
      if (!(yield* forkIfFree(parent, pid, crew.member(pid)))) throw takenHere(pid);
    }
  }

  const roots = processes.filter((process) => process.parent === null && isMissing(process));
  yield* forkAll(stub, roots.filter(leadsSession));
  yield* forkElsewhere(
    stub,
    roots.filter((root) => !leadsSession(root)),
  );
  // Parents stand before their children, so each is there when it is asked.
  for (const process of processes) {
    const children = processes.filter((child) => child.parent === process.pid && isMissing(child));
    if (children.length === 0 && standing.has(process.pid)) continue;
    const inherited = processes.find(({ pid }) => pid === process.parent)?.session;
    const early = children.filter(
      (child) => leadsSession(process) && child.session === inherited && !leadsSession(child),
    );
    const late = children.filter((child) => !early.includes(child));
    const isAtHome = (child: TreeProcess): boolean =>
      child.session === process.session || leadsSession(child);
    const job: Job = function* (member) {
      yield* forkAll(member, early);
      if (leadsSession(process) && isMissing(process)) {
        yield* member.call("setsid");
        yield* takeTerminal(member, process);
      }
      yield* forkAll(member, late.filter(isAtHome));
      yield* forkElsewhere(
        member,
        late.filter((child) => !isAtHome(child)),
      );
    };
    yield* crew.run(stub, [[process.pid, job]]);
  }
}

/**
 * Whether the processes that are missing in a tree can be started where the others stand: each is the child of
 * one of them, in its session or in one of its own.
 */
export function canJoin(processes: readonly TreeProcess[], standing: ReadonlySet<number>): boolean {
  const sessions = new Map(processes.map(({ pid, session }) => [pid, session]));
  return processes.every((process) => {
    const { pid, parent, session } = process;
    if (standing.has(pid)) return true;
    if (parent === null) return false;
    return !standing.has(parent) || sessions.get(parent) === session || leadsSession(process);
  });
}

/** Starts those that have ended and lead a group, which others may want to join. */
function* endLeaders(stub: Stub, crew: Crew, { processes, ended }: TreeImage): Program<void> {
  const leaders = ended.filter(({ pid, group }) => group === pid);
  for (const { pid } of processes) {
    const its = leaders.filter(({ parent }) => parent === pid);
    if (its.length === 0) continue;
    const job: Job = function* (member) {
      for (const child of its) yield* end(member, child);
    };
    yield* crew.run(stub, [[pid, job]]);
  }
}

/** Lets processes join their groups, and those end that have ended. */
export function* joinGroups(stub: Stub, crew: Crew, image: TreeImage): Program<void> {
  yield* endLeaders(stub, crew, image);
  const { processes, ended } = image;
  const jobs = (
    which: readonly ProcessImage[],
    job: (process: ProcessImage) => Job,
  ): Program<void> =>
    crew.run(
      stub,
      which.map((process) => [process.pid, job(process)] as const),
    );
  const joining = processes.filter((process) => !leadsSession(process));
  const leaders = joining.filter(({ pid, group }) => group === pid);
  yield* jobs(leaders, () => (member) => joinGroup(member, 0));

  const known = new Set([...processes, ...ended].map(({ pid }) => pid));
  const others = joining.filter(({ pid, group, session }) => group !== pid && group !== session);
  for (const group of new Set(others.map((process) => process.group))) {
    const its = others.filter((process) => process.group === group);
    const first = its[0];
    if (first === undefined) continue;
    const joinAll = jobs(its, () => (member) => joinGroup(member, group));
    if (known.has(group)) yield* joinAll;
    else yield* withLeader(stub, crew, first.pid, group, joinAll);
  }
  yield* jobs(
    processes,
    ({ pid }) =>
      function* (member) {
        for (const child of ended) {
          if (child.parent === pid && child.group !== child.pid) yield* end(member, child);
        }
      },
  );
}

/** Does work while there is a leader of a group whose own has ended. */
function* withLeader(
  stub: Stub,
  crew: Crew,
  starter: number,
  group: number,
  work: Program<void>,
): Program<void> {
  const start: Job = function* (member) {
    yield* member.fork(group, function* (leader) {
      yield* leader.call("setpgid", 0, 0);
    });
    // It ends at once; as long as nobody waits for it, its group can be joined.
    yield* member.call("waitid", P_PID, group, 0, WEXITED_NOWAIT, 0);
  };
  yield* crew.run(stub, [[starter, start]]);
  yield* work;
  const wait: Job = function* (member) {
    yield* member.call("wait4", group, 0, 0, 0);
  };
  yield* crew.run(stub, [[starter, wait]]);
}

function* joinGroup(member: Stub, group: number): Program<void> {
  yield* member.call("setpgid", 0, group);
}

/** Starts a child that ends as another one has ended. */
function* end(parent: Stub, child: EndedProcess): Program<void> {
  const { pid, group, session, name, status } = child;
  const signal = status & 0x7f;
  yield* parent.fork(pid, function* (stub) {
    if (session === pid) yield* stub.call("setsid");
    // Its group may have ended; then nobody can tell any more.
    else yield* stub.attempt("setpgid", 0, group === pid ? 0 : group);
    yield* stub.call("prctl", PR_SET_NAME, name, 0, 0, 0);
    if (signal === 0) yield* stub.attempt("exit_group", status >> 8);
    // No core file.
    yield* stub.call("prctl", PR_SET_DUMPABLE, 0, 0, 0, 0);
    yield* stub.call("rt_sigprocmask", SIG_SETMASK, signalSet("none"), 0, 8);
    yield* stub.attempt("kill", pid, signal);
  });
  yield* parent.call("waitid", P_PID, pid, 0, WEXITED_NOWAIT, 0);
}

function leadsSession({ pid, session }: TreeProcess): boolean {
  return pid === session;
}

function checkIds(processes: readonly TreeProcess[], taken: ReadonlySet<number>): void {
  for (const { threads } of processes) {
    for (const { tid } of threads) {
      if (taken.has(tid)) throw takenHere(tid);
    }
  }
}

function takenHere(id: number): CannotCarry {
  return new CannotCarry(`the process id ${id} is taken here`);
}

/** Forks unless the number is that of a group or a session here, which no list of processes shows once its leader has ended. */
function* forkIfFree(
  stub: Stub,
  pid: number,
  start: (stub: Stub) => Program<void>,
): Program<boolean> {
  try {
    yield* stub.fork(pid, start);
    return true;
  } catch (error) {
    if (error instanceof SystemCallFailed && error.is("EEXIST")) return false;
    throw error;
  }
}
