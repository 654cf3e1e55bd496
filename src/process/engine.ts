import { carryOverCommands } from "../carry-over/commands.js";
import { readText } from "../guest/files.js";
import { createCommandLoop, WAKE } from "../guest/command-loop.js";
import {
  flushFileSystem,
  freezeFileSystem,
  type MountPoint,
  mountFileSystem,
  thawFileSystem,
} from "../guest/file-systems.js";
import type { Program } from "../guest/gate.js";
import { bootCommands } from "../guest/kexec.js";
import { type Shell, type ShellResult, shellResult, startShell } from "../guest/shell.js";
import { signalSet } from "../guest/signals.js";
import type { Stub } from "../guest/stub-session.js";
import type { GuestAccess, Resident } from "../machine/resident.js";
import { release } from "./become-process.js";
import { capture } from "./capture.js";
import { CannotCarry } from "./files/file-kind.js";
import { findServers, freezeCalmly } from "./calm.js";
import { endFrozen, type FrozenTree, thaw } from "./freeze.js";
import type { TreeImage } from "./image.js";
import type { ChangedImage, ChangedPages, Outline, OutlinedProcess } from "./outline.js";
import { createPreCopy, type PageFilter } from "./pre-copy.js";
import {
  abandonTree,
  adaptTree,
  hasRoom,
  lookUp,
  type PreparedTree,
  prepareTree,
  refreshTree,
} from "./prepared-tree.js";
import { restore, restoreInto } from "./restore.js";
import { listProcesses, type ProcessSummary, select, type Selection } from "./select.js";
import { tellOf, type Told } from "./told.js";
import { canJoin } from "./tree.js";
import {
  describeObstacle,
  type MappedFile,
  type Obstacle,
  survey,
  surveyMapped,
  surveyTarget,
} from "./survey.js";

/** What a stub in a guest can be told to do with processes and files. Both ends of the link share this table by its type. */
export type ProcessCommands = ReturnType<typeof processCommands>;

const SIGTERM = 15;
/** How long it takes at most until it is known whether the system goes down, in seconds. */
const SHUTDOWN_BEGINS_S = 1;

function processCommands(access: GuestAccess) {
  let frozen: FrozenTree | null = null;
  let restored: TreeImage | null = null;
  let prepared: { readonly tree: PreparedTree; readonly told: Told } | null = null;
  const preCopy = createPreCopy(access);
  const kernelThreads = new Set<number>();
  let servers: ReadonlySet<number> = new Set();
  let listed: readonly ProcessSummary[] | null = null;

  function* list(stub: Stub): Program<ProcessSummary[]> {
    const all = yield* listProcesses(stub);
    for (const { pid, kernelThread } of all) if (kernelThread) kernelThreads.add(pid);
    return all;
  }

  /** Lists the selected processes that have not ended. */
  function* choose(stub: Stub, selections: readonly Selection[]): Program<ProcessSummary[]> {
    const own = yield* stub.call("getpid");
    return select(yield* list(stub), selections, own).filter(({ state }) => state !== "Z");
  }

  function* stop(stub: Stub, selections: readonly Selection[]): Program<FrozenTree> {
    const own = yield* stub.call("getpid");
    const before = { listed, servers };
    listed = null;
    const tree = yield* freezeCalmly(stub, selections, own, kernelThreads, before);
    if (tree.processes.length === 0) {
      const wanted = selections.map((each) => Object.values(each).join(" ")).join(", ");
      throw new CannotCarry(`no such process runs: ${wanted}`);
    }
    frozen = tree;
    return tree;
  }

  function* letGoOn(stub: Stub): Program<void> {
    if (frozen !== null) yield* thaw(stub, frozen.processes);
    frozen = null;
  }

  return {
    ...carryOverCommands(),
    ...bootCommands(),

    /** The kernel that runs: `uname -r`. */
    *kernel(stub: Stub): Program<string> {
      return (yield* readText(stub, "/proc/sys/kernel/osrelease")).trim();
    },

    list,

    startShell: (stub: Stub, command: string): Program<Shell> => startShell(stub, command),
    shellResult: (stub: Stub, shell: Shell): Program<ShellResult | null> =>
      shellResult(stub, shell),

    /** Lists what of the selected processes cannot be carried, while they run. */
    survey: (stub: Stub, selections: readonly Selection[]): Program<Obstacle[]> =>
      survey(stub, selections),

    /** Lists which of the process ids that an image needs are taken. */
    surveyTarget: (stub: Stub, pids: readonly number[]): Program<Obstacle[]> =>
      surveyTarget(stub, pids),

    /** Lists which files are here not as programs of another system have them in memory. */
    surveyMapped: (
      stub: Stub,
      processes: readonly Pick<OutlinedProcess, "pid" | "mappings">[],
    ): Program<MappedFile[]> => surveyMapped(stub, processes),

    /**
     * Stops the selected processes and reads them. They stand still until `thaw`, unless this fails. If
     * it is known before that they cannot be carried, none is stopped.
     */
    *capture(stub: Stub, selections: readonly Selection[]): Program<TreeImage> {
      const obstacles = yield* survey(stub, selections);
      if (obstacles.length > 0) throw new CannotCarry(obstacles.map(describeObstacle).join("; "));
      const tree = yield* stop(stub, selections);
      try {
        return yield* capture(stub, access, tree);
      } catch (error) {
        yield* letGoOn(stub);
        throw error;
      }
    },

    select: choose,

    /** Reads the selected processes while they run, as far as that goes. */
    *outline(stub: Stub, selections: readonly Selection[]): Program<Outline> {
      const chosen = yield* choose(stub, selections);
      const pids = chosen.map(({ pid }) => pid);
      servers = yield* findServers(stub, pids);
      return yield* preCopy.outline(stub, chosen);
    },

    /** Reads what those processes have changed since they were read last, while they run. */
    changes: (stub: Stub): Program<ChangedPages[]> => preCopy.again(stub),

    /** Lists all processes, so that `freeze` stops those that are selected without looking first. */
    *look(stub: Stub): Program<void> {
      listed = yield* list(stub);
    },

    /** Stops the selected processes; they stand still until `thaw`. */
    *freeze(stub: Stub, selections: readonly Selection[]): Program<void> {
      yield* stop(stub, selections);
    },

    /** Reads the processes that stand still, but for what of their memory was read before and has not changed. */
    *captureChanges(stub: Stub): Program<ChangedImage> {
      if (frozen === null) throw new RangeError("no process stands still");
      const filters = new Map<number, PageFilter>();
      const image = yield* capture(stub, access, frozen, (pid, mappings) => {
        const filter = preCopy.filter(pid, mappings);
        filters.set(pid, filter);
        return (...page) => filter.isNew(...page);
      });
      preCopy.forget();
      const gone = new Map([...filters].map(([pid, filter]) => [pid, filter.gone()] as const));
      return { image, gone };
    },

    flushFileSystem: (stub: Stub, point: MountPoint): Program<void> => flushFileSystem(stub, point),
    freezeFileSystem: (stub: Stub, point: MountPoint): Program<void> =>
      freezeFileSystem(stub, point),
    thawFileSystem: (stub: Stub, point: MountPoint): Program<void> => thawFileSystem(stub, point),
    mountFileSystem: (stub: Stub, point: MountPoint): Program<void> => mountFileSystem(stub, point),

    /** Lets captured processes go on. */
    thaw: letGoOn,

    /**
     * Ends the captured processes and the stub when the system goes down: standing still they would keep its init
     * waiting. They end at SIGTERM, or after a while, as not every init sends it to them. If the stub is woken
     * before, nothing is ended.
     */
    *endAtShutdown(stub: Stub): Program<void> {
      const either = signalSet([SIGTERM, WAKE]);
      const patience = new Uint8Array(Int32Array.of(SHUTDOWN_BEGINS_S, 0).buffer);
      if ((yield* stub.attempt("rt_sigtimedwait", either, 0, patience, 8)) === WAKE) return;
      if (frozen !== null) yield* endFrozen(stub, frozen.processes);
      yield* stub.attempt("exit_group", 0);
    },

    /** Makes processes ahead, as far as they are known, for `restoreChanges`. */
    *prepare(stub: Stub, outline: Outline): Program<void> {
      yield* lookUp(stub, outline.paths);
      prepared = { tree: yield* prepareTree(stub, access, outline), told: tellOf(outline) };
    },

    /** Brings the processes up to date that were made ahead. */
    *refresh(stub: Stub, changes: readonly ChangedPages[]): Program<void> {
      if (prepared === null) throw new RangeError("no process was prepared");
      for (const change of changes) prepared.told.change(change);
      yield* refreshTree(stub, prepared.tree, changes);
    },

    /**
     * Makes the processes that were made ahead those of an image. Some may have ended or started since; if that
     * has changed their tree too much, all are made anew. They stand still until `release`.
     */
    *restoreChanges(stub: Stub, changed: ChangedImage): Program<void> {
      if (prepared === null) throw new RangeError("no process was prepared");
      const { tree, told } = prepared;
      const { image } = changed;
      prepared = null;
      const kept = told.kept(image, (process) => hasRoom(tree, process));
      const complete = told.complete(changed, kept);
      if (canJoin(image.processes, kept)) {
        yield* adaptTree(stub, tree, image, kept);
        yield* restoreInto(stub, tree, complete);
      } else {
        yield* abandonTree(stub, tree);
        yield* restore(stub, access, told.complete(changed, new Set()).image);
      }
      restored = image;
    },

    /** Makes the processes of an image; they stand still until `release`. */
    *restore(stub: Stub, image: TreeImage): Program<void> {
      yield* restore(stub, access, image);
      restored = image;
    },

    /** Lets restored processes go on. */
    *release(stub: Stub): Program<void> {
      if (restored !== null) yield* release(stub, restored);
      restored = null;
    },
  };
}

/** Makes the resident that captures and restores processes. */
export function createEngine(access: GuestAccess): Resident {
  return createCommandLoop(access, () => processCommands(access));
}
