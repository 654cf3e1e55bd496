import { readText } from "../guest/files.js";
import { createCommandLoop } from "../guest/command-loop.js";
import {
  flushFileSystem,
  freezeFileSystem,
  type MountPoint,
  mountFileSystem,
  thawFileSystem,
} from "../guest/file-systems.js";
import type { Program } from "../guest/gate.js";
import type { Stub } from "../guest/stub-session.js";
import type { GuestAccess, Resident } from "../machine/resident.js";
import { release } from "./become-process.js";
import { capture } from "./capture.js";
import { CannotCarry } from "./files/file-kind.js";
import { freeze, type FrozenTree, thaw } from "./freeze.js";
import type { TreeImage } from "./image.js";
import { restore } from "./restore.js";
import { listProcesses, type ProcessSummary, type Selection } from "./select.js";
import { describeObstacle, type Obstacle, survey, surveyTarget } from "./survey.js";

/** What a stub in a guest can be told to do with processes. Both ends of the link share this table by its type. */
export type ProcessCommands = ReturnType<typeof processCommands>;

function processCommands(access: GuestAccess) {
  let frozen: FrozenTree | null = null;
  let restored: TreeImage | null = null;
  const kernelThreads = new Set<number>();

  function* list(stub: Stub): Program<ProcessSummary[]> {
    const all = yield* listProcesses(stub);
    for (const { pid, kernelThread } of all) if (kernelThread) kernelThreads.add(pid);
    return all;
  }

  function* captureSurveyed(stub: Stub, selections: readonly Selection[]): Program<TreeImage> {
    const own = yield* stub.call("getpid");
    const tree = yield* freeze(stub, selections, own, kernelThreads);
    try {
      if (tree.processes.length === 0) {
        const wanted = selections.map((each) => Object.values(each).join(" ")).join(", ");
        throw new CannotCarry(`no such process runs: ${wanted}`);
      }
      const image = yield* capture(stub, access, tree);
      frozen = tree;
      return image;
    } catch (error) {
      yield* thaw(stub, tree.processes);
      throw error;
    }
  }

  return {
    /** The kernel that runs: `uname -r`. */
    *kernel(stub: Stub): Program<string> {
      return (yield* readText(stub, "/proc/sys/kernel/osrelease")).trim();
    },

    list,

    /** Lists what of the selected processes cannot be carried, while they run. */
    survey: (stub: Stub, selections: readonly Selection[]): Program<Obstacle[]> =>
      survey(stub, selections),

    /** Lists which of the process ids that an image needs are taken. */
    surveyTarget: (stub: Stub, pids: readonly number[]): Program<Obstacle[]> =>
      surveyTarget(stub, pids),

    /**
     * Stops the selected processes and reads them. They stand still until `thaw`, unless this fails. If
     * it is known before that they cannot be carried, none is stopped.
     */
    *capture(stub: Stub, selections: readonly Selection[]): Program<TreeImage> {
      const obstacles = yield* survey(stub, selections);
      if (obstacles.length > 0) throw new CannotCarry(obstacles.map(describeObstacle).join("; "));
      return yield* captureSurveyed(stub, selections);
    },

    /** The same for processes that have been surveyed just before, which takes less time. */
    captureSurveyed,

    flushFileSystem: (stub: Stub, point: MountPoint): Program<void> => flushFileSystem(stub, point),
    freezeFileSystem: (stub: Stub, point: MountPoint): Program<void> =>
      freezeFileSystem(stub, point),
    thawFileSystem: (stub: Stub, point: MountPoint): Program<void> => thawFileSystem(stub, point),
    mountFileSystem: (stub: Stub, point: MountPoint): Program<void> => mountFileSystem(stub, point),

    /** Lets captured processes go on. */
    *thaw(stub: Stub): Program<void> {
      if (frozen !== null) yield* thaw(stub, frozen.processes);
      frozen = null;
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
