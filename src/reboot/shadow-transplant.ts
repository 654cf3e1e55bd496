/**
 * Strategy `shadow-transplant`, our own: as in `shadow`, a fork of the original VM reboots in the
 * background; then the user's programs move into it, and it becomes the user's VM.
 */
import type { MountPoint } from "../guest/file-systems.js";
import type { Selection } from "../process/select.js";
import { PAGE_BYTES } from "../guest/page-tables.js";
import { contentBytes } from "../process/image.js";
import type { ChangedImage, Outline } from "../process/outline.js";
import { type BootMark, fileDowntime } from "./downtime.js";
import { SilentAfterCommit, UpdateFailed } from "./errors.js";
import { provenKernel } from "./health.js";
import { chooseKept, type KeptPrograms, withoutObstacles } from "./kept-programs.js";
import { ANSWER_LIMIT_MS, MOVE_LIMIT_MS } from "./limits.js";
import { awaitAnswer } from "./probe.js";
import { resumeOriginal } from "./resume-original.js";
import type { Run } from "./run.js";
import { checkHealth, forkVm, rebootInBackground } from "./shadow.js";
import { startStub, type StubLink } from "./stub-link.js";
import type { User } from "./user.js";
import type { Vm } from "./vm.js";

/** How often memory is copied while the programs run, and how few bytes of it are not worth another round. */
const MOST_ROUNDS = 5;
const FEW_BYTES = 64 * PAGE_BYTES;

const HOME: MountPoint = { device: "/dev/sdb", path: "/home", type: "ext4" };

/**
 * Forks the original VM, reboots the fork in the background, moves the user's programs into it and hands
 * it over to the user. Until the programs go on there, any error leaves the original VM as it was.
 */
export async function shadowTransplant(run: Run, user: User): Promise<void> {
  const dedicated = await forkVm(run);
  await user.writeNote("during-background-reboot");
  await rebootInBackground(run, dedicated);
  await checkHealth(run, dedicated);
  const transplant = await run.phase("prepare-transplant", { vm: dedicated, downtime: false }, () =>
    prepare(run, dedicated),
  );
  await switchOver(run, dedicated, transplant);
}

/** The stubs in the VM that the programs leave, and in the one where they go on. */
interface Links {
  readonly source: StubLink;
  readonly target: StubLink;
}

/** What the switch-over needs, found while the user works. */
interface Transplant extends Links {
  readonly selections: readonly Selection[];
}

/**
 * Starts the stubs, and does all that the user need not wait for.
 *
 * @throws {UpdateFailed} naming what of the programs cannot be carried; nothing has been stopped
 */
async function prepare(run: Run, dedicated: Vm): Promise<Transplant> {
  const source = await startStub(run, run.original);
  try {
    return await prepareWith(run, dedicated, source);
  } catch (error) {
    await source.leave();
    throw error;
  }
}

async function prepareWith(run: Run, dedicated: Vm, source: StubLink): Promise<Transplant> {
  const target = await startStub(run, dedicated);
  const surveyed = await chooseKept(run, source);
  // Before the programs are made there, since they open files.
  await run.files.carry(dedicated, source, target);
  await run.enter("pre-copy");
  const { kept, outline } = await outlineKept(run, { source, target }, surveyed);
  const { selections, leader } = kept;
  if (leader !== null) await dedicated.attendant.ask("seat", ANSWER_LIMIT_MS, leader);
  if (outline !== null) await preCopy(run, dedicated, { source, target, outline });
  await source.ask("flushFileSystem", HOME, ANSWER_LIMIT_MS);
  return { source, target, selections };
}

/**
 * Reads an outline of the programs, but for those that have files in memory of which the rebooted state has others.
 *
 * @returns no outline if none are left
 * @throws {UpdateFailed} naming the files, unless such programs may stay behind
 */
async function outlineKept(
  run: Run,
  links: Links,
  kept: KeptPrograms,
): Promise<{ readonly kept: KeptPrograms; readonly outline: Outline | null }> {
  if (kept.selections.length === 0) return { kept, outline: null };
  const { source, target } = links;
  const outline = await source.ask("outline", kept.selections, MOVE_LIMIT_MS);
  const processes = outline.processes.map(({ pid, mappings }) => ({ pid, mappings }));
  const others = await target.ask("surveyMapped", processes, MOVE_LIMIT_MS);
  if (others.length === 0) return { kept, outline };
  const running = await source.ask("select", kept.selections, MOVE_LIMIT_MS);
  const obstacles = others.map(({ pid, path }) => ({
    pid,
    name: running.find((process) => process.pid === pid)?.name ?? "",
    descriptor: null,
    what: `${path} in its memory`,
    why: "it is another file after the update",
  }));
  const rest = await withoutObstacles(run, source, kept, obstacles);
  return await outlineKept(run, links, rest);
}

/**
 * Has the programs made ahead in the rebooted state, and copies their memory while they run: again and
 * again, as long as what they change meanwhile gets less.
 */
async function preCopy(
  { host }: Run,
  { machine }: Vm,
  { source, target, outline }: Links & { readonly outline: Outline },
): Promise<void> {
  let bytes = contentBytes(outline.processes);
  await host.occupy(machine, host.memoryCost(bytes));
  await target.ask("prepare", outline, MOVE_LIMIT_MS);
  for (let round = 0; round < MOST_ROUNDS && bytes > FEW_BYTES; round++) {
    const changes = await source.ask("changes", null, MOVE_LIMIT_MS);
    const before = bytes;
    bytes = contentBytes(changes);
    await host.occupy(machine, host.memoryCost(bytes));
    await target.ask("refresh", changes, MOVE_LIMIT_MS);
    if (bytes > before / 2) break;
  }
}

/**
 * Moves the programs and /home. The commit point is the moment at which the programs are let go in the
 * rebooted state; what fails before is undone here.
 */
async function switchOver(
  run: Run,
  dedicated: Vm,
  { source, target, selections }: Transplant,
): Promise<void> {
  const { host, guest, original, probe } = run;
  const marks: BootMark[] = [];
  const mark = (name: string, vm = original): void => {
    marks.push({ name, atMs: host.now(), vm });
  };
  try {
    await run.enter("freeze-programs");
    await source.ask("look", null, ANSWER_LIMIT_MS);
    if (!(await awaitAnswer(host, probe, ANSWER_LIMIT_MS))) {
      throw new UpdateFailed("the original VM does not answer");
    }
    probe.detach();
    if (selections.length > 0) await source.ask("freeze", selections, MOVE_LIMIT_MS);
    mark("freeze-programs");

    await run.enter("carry-files");
    await run.files.finish();
    mark("carry-files");

    await run.enter("freeze-home");
    await source.ask("freezeFileSystem", HOME, ANSWER_LIMIT_MS);
    mark("freeze-home");

    await run.enter("attach-home");
    const home = await original.machine.diskOverlay(guest.homeDisk);
    await dedicated.machine.attachDisk(guest.homeDisk, home);
    const attached = await target.begin("mountFileSystem", HOME, ANSWER_LIMIT_MS);
    await run.enter("capture-programs");
    const changed =
      selections.length > 0 ? await source.ask("captureChanges", null, MOVE_LIMIT_MS) : null;
    mark("capture-programs");
    await attached();
    mark("attach-home", dedicated);

    await run.enter("restore-programs");
    if (changed !== null) {
      const bytes = contentBytes(changed.image.processes);
      await host.occupy(dedicated.machine, host.memoryCost(bytes));
      await target.ask("restoreChanges", changed, MOVE_LIMIT_MS);
    }
    mark("restore-programs", dedicated);
    await run.enter("switch-over");
    await target.ask("release", null, ANSWER_LIMIT_MS);
    run.event("commit", commitDetail(run, changed), dedicated);
  } catch (error) {
    await undo(run, source, error);
    throw error;
  }
  await run.handOver();
  await probe.attach(dedicated);
  const switchedMs = host.now();
  mark("switch-over", dedicated);
  if (!(await awaitAnswer(host, probe, ANSWER_LIMIT_MS))) {
    throw new SilentAfterCommit("the rebooted state does not answer");
  }
  fileDowntime(run, switchedMs, marks);
  await target.leave();
}

/** Lets the programs go on where they were, with disks that can be written to. */
async function undo(run: Run, source: StubLink, failure: unknown): Promise<void> {
  await run.dropDedicated();
  try {
    await resumeOriginal(run, source, failure, "programs, too");
  } finally {
    await run.probe.attach(run.original);
  }
}

function commitDetail(run: Run, changed: ChangedImage | null) {
  const processes = changed?.image.processes ?? [];
  return {
    kernel: provenKernel(run),
    processes: processes.length,
    pages: contentBytes(processes) / PAGE_BYTES,
  };
}
