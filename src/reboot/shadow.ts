/**
 * Strategy `shadow`, the one of the paper.
 *
 * References:
 * - [VEE13] Yamada and Kono, "Traveling Forward in Time to Newer Operating Systems using ShadowReboot",
 *   VEE 2013: VM fork, background reboot, rebooted state, switch-over
 *
 * How /home is handed over, and that everything before the commit point can be undone, is our own.
 */
import { after, virtualMs } from "../clock/virtual-time.js";
import type { MachineState } from "../machine/machine-state.js";
import { giveAway } from "../machine/remote.js";
import { changedPages } from "../storage/pages.js";
import { applyInFork } from "./apply-update.js";
import { type BootMark, fileDowntime } from "./downtime.js";
import { SilentAfterCommit, UpdateFailed } from "./errors.js";
import { proveHealth, provenKernel } from "./health.js";
import { ANSWER_LIMIT_MS, REBOOT_LIMIT_MS } from "./limits.js";
import { awaitAnswer } from "./probe.js";
import { resumeOriginal } from "./resume-original.js";
import { pass, type Run } from "./run.js";
import { startStub, type StubLink } from "./stub-link.js";
import type { User } from "./user.js";
import { awaitBootPhase, logOut, type Vm } from "./vm.js";

/**
 * Forks the original VM, reboots the fork in the background and, when it has shown that the update is
 * in effect, puts the rebooted state into the original VM. Until then any error leaves the original VM
 * as it was.
 */
export async function shadow(run: Run, user: User): Promise<void> {
  const dedicated = await forkVm(run);
  await user.writeNote("during-background-reboot");
  await rebootInBackground(run, dedicated);
  await checkHealth(run, dedicated);
  const stubs = await run.phase("prepare-files", { vm: dedicated, downtime: false }, () =>
    prepareFiles(run, dedicated),
  );
  await switchOver(run, dedicated, stubs);
}

/**
 * Copies the original VM into the reboot-dedicated VM. Its memory is copied while it runs; it stands still while
 * its devices are, and what has changed of its memory since.
 */
export async function forkVm(run: Run): Promise<Vm> {
  const { host, guest, original } = run;
  const machine = await run.prepareDedicated();
  await original.machine.prepareCapture();
  const copied = await original.machine.readMemory(0, original.machine.config.memoryBytes);
  await host.advanceTo(after(host.now(), host.memoryCost(copied.length)));

  // The pause lies between two answers, so it is seen as long as it is.
  await awaitAnswer(host, run.probe, ANSWER_LIMIT_MS);
  run.probe.detach();
  const { state, cost } = await run
    .phase("vm-fork", { vm: original, downtime: true }, async () => {
      const state = await original.machine.capture();
      const cost = transferCost(run, state, changedPages(state.ram, copied).data.length);
      await host.occupy(original.machine, cost);
      return { state, cost };
    })
    .finally(() => run.probe.attach(original));
  await machine.restore(giveAway({ ...state }, [state.ram.buffer]));
  // The fork's clock shows the host's time, as the original's does.
  await machine.stall(host.machineTime(original.machine, host.now()));
  await machine.withholdDiskAtReset(guest.homeDisk);
  const dedicated = run.placeDedicated();
  await host.occupy(machine, cost);
  await run.files.noteFork(dedicated);
  return dedicated;
}

/**
 * Takes the fork through its own shutdown, the firmware and the boot loader to the rebooted state; the
 * update is applied there before, if that is where the user wants it.
 */
export async function rebootInBackground(run: Run, dedicated: Vm): Promise<void> {
  const { host, guest, original } = run;
  const background = { vm: dedicated, downtime: false };
  if (run.applyIn === "shadow") await applyInFork(run, dedicated);
  const before = host.usage(original.machine);
  const start = host.now();
  const deadline = start + REBOOT_LIMIT_MS;

  const hasReset = () => run.resetSince("reboot-dedicated", start) !== null;
  await run.phase("background-shutdown", background, async () => {
    // An init may end the attendant before that has answered.
    await dedicated.attendant.ask("reboot", REBOOT_LIMIT_MS, undefined, hasReset);
    while (!hasReset()) {
      if (host.now() >= deadline) {
        throw new UpdateFailed(`the fork did not shut down within ${REBOOT_LIMIT_MS} ms`);
      }
      await pass(run, 1);
    }
  });
  for (const phase of guest.bootPhases) {
    await run.phase(`background-${phase.name}`, background, () =>
      awaitBootPhase(host, dedicated, phase, phase.withinMs),
    );
  }
  const { ranMs, waitedMs } = host.usage(original.machine);
  run.background = {
    tookMs: virtualMs(host.now() - start),
    userRanMs: virtualMs(ranMs - before.ranMs),
    userWaitedMs: virtualMs(waitedMs - before.waitedMs),
  };
}

/** Makes the rebooted state prove itself; a login waits at its console afterwards. */
export async function checkHealth(run: Run, dedicated: Vm): Promise<void> {
  await run.phase("health-check", { vm: dedicated, downtime: false }, async () => {
    // Not needed yet, but the user would wait for it later.
    await dedicated.machine.prepareCapture();
    await proveHealth(run, dedicated);
    await logOut(dedicated, run.guest);
  });
}

/** Starts a stub in each VM, and carries what has changed on the system disk so far. */
async function prepareFiles(run: Run, dedicated: Vm): Promise<Stubs> {
  const source = await startStub(run, run.original);
  try {
    const target = await startStub(run, dedicated);
    await run.files.carry(dedicated, source, target);
    return { source, target };
  } catch (error) {
    await source.leave();
    throw error;
  }
}

interface Stubs {
  readonly source: StubLink;
  readonly target: StubLink;
}

/**
 * Hands the files over, takes the rebooted state and puts it into the original VM. The commit point is the
 * moment at which the original VM has taken it, which it does as a whole or not at all; what fails
 * before is undone here.
 */
async function switchOver(run: Run, dedicated: Vm, { source, target }: Stubs): Promise<void> {
  const { host, guest, original, probe } = run;
  const marks: BootMark[] = [];
  let restoreCost: number;
  try {
    await run.enter("freeze-home");
    await awaitAnswer(host, probe, ANSWER_LIMIT_MS);
    // From here on programs that write to /home wait, so the user counts as waiting.
    probe.detach();
    marks.push({ name: "wait-for-probe", atMs: host.now() });
    await original.attendant.ask("freeze", ANSWER_LIMIT_MS);
    marks.push({ name: "freeze-home", atMs: host.now() });

    await run.enter("carry-files");
    await run.files.finish();
    await target.leave();
    host.hold(original.machine);
    marks.push({ name: "carry-files", atMs: host.now() });

    await run.enter("attach-home");
    const home = await original.machine.diskOverlay(guest.homeDisk);
    await dedicated.machine.attachDisk(guest.homeDisk, home);
    await dedicated.attendant.ask("attach", ANSWER_LIMIT_MS);
    marks.push({ name: "attach-home", atMs: host.now() });

    await run.enter("capture");
    const rebooted = await dedicated.machine.capture();
    const cost = transferCost(run, rebooted, rebooted.ram.length);
    await host.occupy(dedicated.machine, cost);
    marks.push({ name: "capture", atMs: host.now() });

    await run.enter("restore");
    await original.machine.restore(giveAway({ ...rebooted }, [rebooted.ram.buffer]));
    run.event("commit", { kernel: provenKernel(run) }, original);
    restoreCost = cost;
  } catch (error) {
    await undoHandOver(run, source, error);
    throw error;
  }
  original.attendant.forget();
  await original.machine.stall(host.machineTime(dedicated.machine, host.now()));
  await run.dropDedicated();
  host.release(original.machine);
  await host.occupy(original.machine, restoreCost);
  await probe.attach(original);
  const restoredMs = host.now();
  marks.push({ name: "restore", atMs: restoredMs });

  await run.enter("first-answer");
  if (!(await awaitAnswer(host, probe, ANSWER_LIMIT_MS))) {
    throw new SilentAfterCommit("the rebooted state does not answer in the original VM");
  }
  fileDowntime(run, restoredMs, marks);
}

/** Lets the original VM go on, with disks that can be written to. */
async function undoHandOver(run: Run, source: StubLink, failure: unknown): Promise<void> {
  const { host, original, probe } = run;
  await run.dropDedicated();
  host.release(original.machine);
  try {
    await resumeOriginal(run, source, failure, "disks");
  } finally {
    await probe.attach(original);
  }
}

/** What it costs the host to copy a machine's devices, disks and so much of its memory, in ms. */
function transferCost({ host }: Run, state: MachineState, memoryBytes: number): number {
  const overlays = state.disks.reduce((bytes, disk) => bytes + disk.data.length, 0);
  return host.config.costs.deviceStateMs + host.memoryCost(memoryBytes + overlays);
}
