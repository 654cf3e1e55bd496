import { park, WAKE } from "../guest/command-loop.js";
import type { Program } from "../guest/gate.js";
import type { Stub } from "../guest/stub-session.js";

const PR_SET_PDEATHSIG = 1;
const SIGKILL = 9;

/** Something that one task of a crew is to do. */
export type Job = (stub: Stub) => Program<void>;

/** Stubs that work at the same time, each in the process or thread that it is to become. */
export interface Crew {
  /**
   * What a new member does: jobs, one after the other. Given to `fork` or `thread`. It ends with its parent, so that
   * none is left if the leader ends, until it is given the settings of a process; see `restoreDeathSignal`.
   */
  member(tid: number): (stub: Stub) => Program<void>;
  /**
   * Has jobs done, each by the member with that thread id, and waits until all are.
   *
   * @throws what the first job that failed has thrown
   */
  run(stub: Stub, jobs: readonly (readonly [number, Job])[]): Program<void>;
}

/** Has a stub end with its parent; a change of user undoes it. */
export function* endWithParent(stub: Stub): Program<void> {
  yield* stub.attempt("prctl", PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
}

/** A crew that one stub leads; its members wake it. */
export function createCrew(leader: number): Crew {
  const queues = new Map<number, Job[]>();
  let open = 0;
  let failure: { error: unknown } | null = null;

  function queue(tid: number): Job[] {
    const found = queues.get(tid) ?? [];
    queues.set(tid, found);
    return found;
  }

  return {
    member: (tid) =>
      function* (stub) {
        yield* endWithParent(stub);
        for (;;) {
          const job = queue(tid).shift();
          if (job === undefined) {
            yield* park(stub, null);
            continue;
          }
          try {
            yield* job(stub);
          } catch (error) {
            failure ??= { error };
          }
          open--;
          if (open === 0 || failure !== null) yield* stub.call("kill", leader, WAKE);
        }
      },
    *run(stub, jobs) {
      open += jobs.length;
      for (const [tid, job] of jobs) queue(tid).push(job);
      for (const [tid] of jobs) yield* stub.call("tkill", tid, WAKE);
      while (open > 0 && failure === null) yield* park(stub, null);
      if (failure !== null) throw failure.error;
    },
  };
}
