/**
 * Strategy `shadow-transplant`, our own: as in `shadow`, a fork of the original VM reboots in the
 * background; then the user's programs move into it, and it becomes the user's VM.
 */
import { after } from "../clock/virtual-time.js";
import { type CommandLink, linkStub } from "../guest/command-link.js";
import type { MountPoint } from "../guest/file-systems.js";
import type { Selection, ProcessSummary } from "../process/select.js";
import type { ProcessCommands } from "../process/engine.js";
import { describeObstacle } from "../process/survey.js";
import type { TreeImage } from "../process/image.js";
import { type BootMark, fileDowntime } from "./downtime.js";
import { UpdateFailed } from "./errors.js";
import { awaitAnswer } from "./probe.js";
import type { Run } from "./run.js";
import { ANSWER_LIMIT_MS, checkHealth, forkVm, rebootInBackground } from "./shadow.js";
import type { User } from "./user.js";
import type { Vm } from "./vm.js";

type Link = CommandLink<ProcessCommands>;

/** How long the capture or the restore of all programs may take, in ms. */
const MOVE_LIMIT_MS = 30_000;

const HOME: MountPoint = { device: "/dev/sdb", path: "/home", type: "ext4" };

/** Device number of the console, as [proc_pid_stat(5)] gives it. */
const CONSOLE_TERMINAL = (4 << 8) | 64;

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

/** What the switch-over needs, found while the user works. */
interface Transplant {
  readonly source: Link;
  readonly target: Link;
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

async function prepareWith(run: Run, dedicated: Vm, source: Link): Promise<Transplant> {
  const target = await startStub(run, dedicated);
  const leader = consoleLeader(await source.ask("list", null, ANSWER_LIMIT_MS));
  const session: readonly Selection[] =
    leader === null ? [] : [{ by: "session", session: leader.pid }];
  const selections = run.keep ?? session;
  const obstacles = await source.ask("survey", selections, MOVE_LIMIT_MS);
  if (obstacles.length > 0) {
    throw new UpdateFailed(
      `what runs cannot go along: ${obstacles.map(describeObstacle).join("; ")}`,
    );
  }
  if (leader !== null) await dedicated.attendant.ask("seat", ANSWER_LIMIT_MS, leader.pid);
  await source.ask("flushFileSystem", HOME, ANSWER_LIMIT_MS);
  return { source, target, selections };
}

function startStub({ host }: Run, { machine, attendant }: Vm): Promise<Link> {
  return linkStub<ProcessCommands>(machine, {
    async start() {
      await attendant.ask("stub", ANSWER_LIMIT_MS);
    },
    wake: (pid) => attendant.wake(pid),
    advance: (until) => host.advanceTo(host.hostTime(machine, until)),
  });
}

/** The leader of the session on the console, if a user is logged in there. */
function consoleLeader(processes: readonly ProcessSummary[]): ProcessSummary | null {
  const leader = processes.find(
    ({ pid, session, terminal }) => pid === session && terminal === CONSOLE_TERMINAL,
  );
  // A login that waits is no session of a user.
  return leader === undefined || leader.name === "getty" ? null : leader;
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
    await run.enter("capture-programs");
    if (!(await awaitAnswer(host, probe, ANSWER_LIMIT_MS))) {
      throw new UpdateFailed("the original VM does not answer");
    }
    probe.detach();
    const image =
      selections.length === 0
        ? null
        : await source.ask("captureSurveyed", selections, MOVE_LIMIT_MS);
    mark("capture-programs");

    await run.enter("freeze-home");
    await source.ask("freezeFileSystem", HOME, ANSWER_LIMIT_MS);
    mark("freeze-home");

    await run.enter("attach-home");
    const home = await original.machine.diskOverlay(guest.homeDisk);
    await dedicated.machine.attachDisk(guest.homeDisk, home);
    await target.ask("mountFileSystem", HOME, ANSWER_LIMIT_MS);
    mark("attach-home", dedicated);

    await run.enter("restore-programs");
    if (image !== null) {
      await host.occupy(dedicated.machine, host.memoryCost(contentBytes(image)));
      await target.ask("restore", image, MOVE_LIMIT_MS);
    }
    mark("restore-programs", dedicated);
    await run.enter("switch-over");
    await target.ask("release", null, ANSWER_LIMIT_MS);
    run.event("commit", commitDetail(run, image), dedicated);
  } catch (error) {
    await undo(run, source);
    throw error;
  }
  await run.handOver();
  await probe.attach(dedicated);
  const switchedMs = host.now();
  mark("switch-over", dedicated);
  if (!(await awaitAnswer(host, probe, ANSWER_LIMIT_MS))) {
    throw new UpdateFailed("the rebooted state does not answer");
  }
  fileDowntime(run, after(switchedMs, 0), marks);
  await target.leave();
}

/** Lets the programs go on where they were, with a /home that can be written to. */
async function undo(run: Run, source: Link): Promise<void> {
  await run.dropDedicated();
  // Both are refused where the switch-over did not get that far.
  await source.ask("thawFileSystem", HOME, ANSWER_LIMIT_MS).catch(() => undefined);
  await source.ask("thaw", null, ANSWER_LIMIT_MS).catch(() => undefined);
  await source.leave();
  await run.probe.attach(run.original);
}

function contentBytes({ processes }: TreeImage): number {
  return processes.reduce((bytes, { pages }) => bytes + pages.content.length, 0);
}

function commitDetail({ guest }: Run, image: TreeImage | null) {
  return {
    kernel: guest.update.kernelAfter,
    processes: image?.processes.length ?? 0,
    pages: image === null ? 0 : contentBytes(image) / 4096,
  };
}
