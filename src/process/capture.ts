import type { Program } from "../guest/gate.js";
import { readText } from "../guest/files.js";
import type { Stub } from "../guest/stub-session.js";
import type { GuestAccess } from "../machine/resident.js";
import { captureFiles } from "./capture-files.js";
import { captureProcess } from "./capture-process.js";
import { captureClocks } from "./clocks.js";
import type { FrozenTree } from "./freeze.js";
import type { ProcessImage, TreeImage } from "./image.js";

/**
 * Reads all that frozen processes are, and leaves them as they were.
 *
 * @throws {CannotCarry} naming what cannot go on elsewhere
 */
export function* capture(stub: Stub, access: GuestAccess, frozen: FrozenTree): Program<TreeImage> {
  const pids = frozen.processes.map(({ summary }) => summary.pid);
  const { files, descriptors } = yield* captureFiles(stub, pids);
  const processes: ProcessImage[] = [];
  for (const process of frozen.processes) {
    const { pid, parent } = process.summary;
    const knownParent = pids.includes(parent) ? parent : null;
    const image = yield* captureProcess(stub, access, process, knownParent);
    processes.push({ ...image, descriptors: descriptors.get(pid) ?? [] });
  }
  return {
    kernel: (yield* readText(stub, "/proc/sys/kernel/osrelease")).trim(),
    clocks: yield* captureClocks(stub, access, pids[0] ?? 1),
    files: [...files],
    processes,
    sharedMemory: {},
  };
}
