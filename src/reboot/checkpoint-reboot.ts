/**
 * Strategy `checkpoint-reboot`: the user's programs are saved to the host, the guest reboots in place, and
 * the programs go on under the updated kernel. The user waits for all of it.
 *
 * References:
 * - [KUP] Kashyap et al., "Instant OS Updates via Userspace Checkpoint-and-Restart", USENIX ATC 2016:
 *   checkpoint, kernel switch in place, restore
 *
 * KUP switches kernels by kexec and keeps the checkpoint in memory; here the guest goes through its
 * firmware, and the host keeps the checkpoint.
 */
import { after } from "../clock/virtual-time.js";
import { contentBytes, type TreeImage } from "../process/image.js";
import type { Selection } from "../process/select.js";
import { type BootMark, fileDowntime } from "./downtime.js";
import { SilentAfterCommit, UpdateFailed } from "./errors.js";
import { proveHealth, provenKernel } from "./health.js";
import { chooseKept } from "./kept-programs.js";
import { ANSWER_LIMIT_MS, MOVE_LIMIT_MS, REBOOT_LIMIT_MS } from "./limits.js";
import { awaitBoot } from "./plain-reboot.js";
import { awaitAnswer } from "./probe.js";
import { resumeOriginal } from "./resume-original.js";
import type { Run } from "./run.js";
import { startStub, type StubLink } from "./stub-link.js";
import { logOut } from "./vm.js";

/** The user's programs, found while the user works. */
interface Checkpoint {
  readonly stub: StubLink;
  readonly selections: readonly Selection[];
  /** Process id of the leader of the session on the console, if there is one. */
  readonly leader: number | null;
}

/**
 * Saves the programs, reboots and restores them. What cannot be saved stops the update before the reboot,
 * and the programs go on; after the reboot there is no way back.
 */
export async function checkpointReboot(run: Run): Promise<void> {
  const { host, original, probe } = run;
  const checkpoint = await run.phase("prepare-checkpoint", { vm: original, downtime: false }, () =>
    prepare(run),
  );
  if (!(await awaitAnswer(host, probe, ANSWER_LIMIT_MS))) {
    throw new UpdateFailed("the guest does not answer");
  }
  // Until the programs are back, the user waits, whatever the guest answers.
  probe.detach();
  const marks: BootMark[] = [];
  try {
    const image = await capture(run, checkpoint, marks);
    await rebootInPlace(run, checkpoint, marks);
    await restore(run, checkpoint, image, marks);
  } finally {
    await probe.attach(original);
  }
  const restoredMs = host.now();
  if (!(await awaitAnswer(host, probe, ANSWER_LIMIT_MS))) {
    throw new SilentAfterCommit("the programs are restored, but the guest does not answer");
  }
  fileDowntime(run, restoredMs, marks);
}

/** @throws {UpdateFailed} naming what of the programs cannot be saved; nothing has been stopped */
async function prepare(run: Run): Promise<Checkpoint> {
  const stub = await startStub(run, run.original);
  try {
    return { stub, ...(await chooseKept(run, stub)) };
  } catch (error) {
    await stub.leave();
    throw error;
  }
}

/** Reads the programs, which stand still from then on; if that fails, they go on. */
async function capture(
  run: Run,
  { stub, selections }: Checkpoint,
  marks: BootMark[],
): Promise<TreeImage | null> {
  const { host, original } = run;
  await run.enter("capture-programs");
  if (selections.length === 0) return null;
  try {
    const image = await stub.ask("capture", selections, MOVE_LIMIT_MS);
    await host.occupy(original.machine, host.memoryCost(contentBytes(image.processes)));
    marks.push({ name: "capture-programs", atMs: host.now() });
    return image;
  } catch (error) {
    // What the stub still stops when it is told to leave would stand still for ever.
    await resumeOriginal(run, stub, error, "programs, too");
    throw error;
  }
}

/** Takes the guest down and up again, and makes it prove that the update is in effect. */
async function rebootInPlace(run: Run, { stub }: Checkpoint, marks: BootMark[]): Promise<void> {
  const { host, guest, original } = run;
  const ended = await beginShutdown(run, stub);
  const start = host.now();
  try {
    // An init may end the attendant before that has answered.
    const hasReset = () => run.resetSince("original", start) !== null;
    await original.attendant.ask("reboot", REBOOT_LIMIT_MS, undefined, hasReset);
  } catch (error) {
    await original.attendant.wake(stub.pid);
    const isThere = await ended().then(
      () => true,
      () => false,
    );
    // It has ended with the programs, as the system was about to go down.
    if (!isThere) run.event("goes-down", undefined, original);
    else await resumeOriginal(run, stub, error, "programs, too");
    throw error;
  }
  run.event("goes-down", undefined, original);
  const booted = await awaitBoot(run, guest.bootPhases, after(start, REBOOT_LIMIT_MS));
  const reset = run.resetSince("original", start);
  if (reset === null) throw new UpdateFailed("the guest came up again without a reset");
  marks.push({ name: "shutdown", atMs: reset }, ...booted);

  await run.enter("health-check");
  await proveHealth(run, original);
  await logOut(original, guest);
  marks.push({ name: "health-check", atMs: host.now() });
}

/** Has the stub end the programs when the guest goes down; if it cannot be told to, they go on. */
async function beginShutdown(run: Run, stub: StubLink): Promise<() => Promise<void>> {
  try {
    await run.enter("reboot");
    return await stub.begin("endAtShutdown", null, MOVE_LIMIT_MS);
  } catch (error) {
    await resumeOriginal(run, stub, error, "programs, too");
    throw error;
  }
}

/** Makes the programs again, and lets them go on. This is the commit point. */
async function restore(
  run: Run,
  { leader }: Checkpoint,
  image: TreeImage | null,
  marks: BootMark[],
): Promise<void> {
  const { host, original } = run;
  await run.enter("restore-programs");
  if (image !== null) {
    const stub = await startStub(run, original);
    try {
      if (leader !== null) await original.attendant.ask("seat", ANSWER_LIMIT_MS, leader);
      await host.occupy(original.machine, host.memoryCost(contentBytes(image.processes)));
      await stub.ask("restore", image, MOVE_LIMIT_MS);
      await stub.ask("release", null, ANSWER_LIMIT_MS);
    } catch (error) {
      // What was made stands still until the stub ends, and the console would wait for it as long.
      await stub.leave();
      throw error;
    }
    await stub.leave();
  }
  const processes = image?.processes.length ?? 0;
  run.event("commit", { kernel: provenKernel(run), processes }, original);
  marks.push({ name: "restore-programs", atMs: host.now() });
}
