/** How an update carries over what has changed on the system disk; the work itself is done in `carry-over`. */
import { type CarryOver, createCarryOver } from "../carry-over/carry-over.js";
import { DEFAULT_POLICY } from "../carry-over/default-policy.js";
import { type Decision, isCarried } from "../carry-over/decide.js";
import { pathFromText, showPath } from "../carry-over/entry.js";
import type { Walk } from "../carry-over/walk.js";
import type { VirtualMs } from "../clock/virtual-time.js";
import type { Run } from "./run.js";
import { startStub, type StubLink } from "./stub-link.js";
import type { Vm } from "./vm.js";

/** What the user wants of the files on the system disk. */
export interface FileWishes {
  /** Paths for which, with all below them, the original's version is wanted. */
  readonly ours: readonly string[];
  /** Paths for which, with all below them, the rebooted system's version is wanted. */
  readonly theirs: readonly string[];
  /** Ends the update when it is known what would be carried; nothing is committed. */
  readonly onlyPlan: boolean;
}

/** No wish. */
export const NO_FILE_WISHES: FileWishes = { ours: [], theirs: [], onlyPlan: false };

/** What became of a file that changed on the original's system disk, for a person. */
export interface FileDecision extends Pick<Decision, "action" | "why"> {
  readonly path: string;
}

/** The files of a run: noted in the fork, carried while the user works, and the last of them in the downtime. */
export interface RunFiles {
  /** Notes in the fork, directly after the VM fork, what is there. */
  noteFork(dedicated: Vm): Promise<void>;
  /**
   * Plans, and carries what is planned; what changes later is left to `finish`.
   *
   * @throws {PlanMade} if the user wants no more than the plan
   * @throws {FilesInConflict}
   */
  carry(dedicated: Vm, source: StubLink, target: StubLink): Promise<void>;
  /** Carries the rest. From then on nobody can write to the original's system disk. */
  finish(): Promise<void>;
  /** What was decided, in the order of the paths; null if the run did not come so far. */
  decisions(): readonly FileDecision[] | null;
}

/** The update has ended where the user wanted it to: nothing failed, and nothing was committed. */
export class PlanMade extends Error {
  override readonly name = "PlanMade";
}

const WALK_LIMIT_MS = 120_000;

/** How far before the VM fork the kernel may have put the time of a change that came after it: its clock of files ticks at 100 Hz at least. */
const TICK_MS = 10;

/** Makes the files of a run. */
export function openFiles(run: Run, wishes: FileWishes): RunFiles {
  const { host } = run;
  let fork: { readonly walk: Walk; readonly forkNs: bigint; readonly atMs: VirtualMs } | null =
    null;
  let carryOver: CarryOver | null = null;

  /** What the clock of the fork shows at a moment of host time, in ns since 1970. */
  function clockAt(moment: VirtualMs): bigint {
    if (fork === null) throw new RangeError("the files were not noted in the fork");
    return fork.walk.atNs + nanoseconds(moment - fork.atMs);
  }

  /** From the beginning of the fork's shutdown to its reset. */
  function shutdown() {
    const began = run.phases.find(({ name }) => name === "background-shutdown");
    const reset = began && run.resetSince("reboot-dedicated", began.startMs);
    if (began === undefined || typeof reset !== "number") return null;
    return { fromNs: clockAt(began.startMs) - nanoseconds(TICK_MS), toNs: clockAt(reset) };
  }

  function tell(): void {
    const decisions = carryOver?.decisions() ?? [];
    const count = (matches: (decision: Decision) => boolean): number =>
      decisions.filter(matches).length;
    run.event("files-carried", {
      carried: count(isCarried),
      kept: count(({ action }) => action === "keep"),
      conflicts: count(({ action }) => action === "conflict"),
    });
  }

  return {
    async noteFork(dedicated) {
      const forkedMs = host.now();
      await run.phase("note-files", { vm: dedicated, downtime: false }, async () => {
        const stub = await startStub(run, dedicated);
        const walk = await stub.ask("walkFiles", null, WALK_LIMIT_MS);
        const atMs = host.now();
        const forkNs = walk.atNs - nanoseconds(atMs - forkedMs + TICK_MS);
        fork = { walk, forkNs, atMs };
        await stub.leave();
      });
    },

    async carry(dedicated, source, target) {
      if (fork === null) return;
      const files = createCarryOver({
        original: source,
        rebooted: target,
        base: fork.walk,
        forkNs: fork.forkNs,
        policy: DEFAULT_POLICY,
        ours: wishes.ours.map(pathFromText),
        theirs: wishes.theirs.map(pathFromText),
        shutdown: shutdown(),
        expectedNs: () => clockAt(host.now()),
        copied: (bytes) => host.occupy(dedicated.machine, host.memoryCost(bytes)),
      });
      carryOver = files;
      await run.enter("plan-files");
      await files.plan();
      if (wishes.onlyPlan) {
        tell();
        throw new PlanMade("nothing is committed");
      }
      await run.enter("carry-files");
      await files.carry();
    },

    async finish() {
      await carryOver?.finish();
      tell();
    },

    decisions() {
      const decisions = carryOver?.decisions() ?? null;
      return decisions?.map(({ path, ...rest }) => ({ path: showPath(path), ...rest })) ?? null;
    },
  };
}

function nanoseconds(ms: number): bigint {
  return BigInt(Math.round(ms * 1e6));
}
