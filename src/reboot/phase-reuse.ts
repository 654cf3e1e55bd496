/**
 * Strategy `phase-reuse`: the reboot does not begin at the firmware, but at a snapshot of an earlier boot
 * that was taken when the kernel had started and no disk had been looked at.
 *
 * References:
 * - [DSN11] Yamakita, Yamada and Kono, "Phase-based Reboot: Reusing Operating System Execution Phases for
 *   Cheap Reboot-based Recovery", DSN 2011: a saved phase of a boot is reused where the next boot would
 *   reproduce it
 *
 * How it is decided that a boot would reproduce the phase is our own.
 */
import { after } from "../clock/virtual-time.js";
import { fileDowntime } from "./downtime.js";
import { DoesNotApply, UpdateFailed } from "./errors.js";
import type { GuestProfile } from "./guest-profile.js";
import { awaitBoot, awaitReturn, proveUpdate } from "./plain-reboot.js";
import { pass, type Run } from "./run.js";
import { ANSWER_LIMIT_MS, REBOOT_LIMIT_MS } from "./limits.js";
import { startStub } from "./stub-link.js";

/** How a boot phase is known at whose end no disk has been looked at: our initramfs announces itself. */
const BEFORE_DISKS = "INITRAMFS";

/**
 * The phases of a guest's boot at whose end the reused snapshot is taken, and those that come after it.
 *
 * @throws {DoesNotApply} if no phase of its boot is known to end before its disks are looked at
 */
export function reusedPhases({ name, bootPhases }: Pick<GuestProfile, "name" | "bootPhases">): {
  readonly reused: GuestProfile["bootPhases"];
  readonly left: GuestProfile["bootPhases"];
} {
  const last = bootPhases.findIndex(({ until }) => until.source === BEFORE_DISKS);
  if (last < 0) {
    throw new DoesNotApply(`no boot phase of ${name} is known to end before its disks are read`);
  }
  return { reused: bootPhases.slice(0, last + 1), left: bootPhases.slice(last + 1) };
}

/**
 * Shuts the guest down and goes on from the snapshot, with the disks as they are now and the clock as it
 * is now.
 *
 * @throws {DoesNotApply} if the update changes what would be booted up to the snapshot; nothing was touched
 */
export async function phaseReuse(run: Run): Promise<void> {
  const { host, guest, original } = run;
  const { left } = reusedPhases(guest);
  await run.phase("check-boot", { vm: original, downtime: false }, () => checkBoot(run));
  const snapshot = await run.phaseSnapshot();

  await run.enter("reboot");
  const start = host.now();
  run.event("goes-down", undefined, original);
  await original.console.type("reboot\n");
  while (run.resetSince("original", start) === null) {
    if (host.now() >= start + REBOOT_LIMIT_MS) {
      throw new UpdateFailed(`the guest did not shut down within ${REBOOT_LIMIT_MS} ms`);
    }
    await pass(run, 1);
  }
  const downMs = host.now();

  await run.enter("restore-phase");
  const { disks, randomState } = await original.machine.capture();
  await original.machine.restoreSnapshot({ ...snapshot, disks, randomState });
  // The guest sees the time since the snapshot pass at once, as after a suspension.
  await original.machine.stall(host.machineTime(original.machine, host.now()));
  const { costs } = host.config;
  await host.occupy(
    original.machine,
    costs.deviceStateMs + host.memoryCost(original.machine.config.memoryBytes),
  );
  const restoredMs = host.now();

  const marks = await awaitBoot(run, left, after(restoredMs, REBOOT_LIMIT_MS));
  await awaitReturn(run, downMs);
  fileDowntime(run, downMs, [
    { name: "shutdown", atMs: downMs },
    { name: "restore-phase", atMs: restoredMs },
    ...marks,
  ]);
  await proveUpdate(run);
}

async function checkBoot(run: Run): Promise<void> {
  const stub = await startStub(run, run.original);
  try {
    const why = await stub.ask("whyBootDiffers", null, ANSWER_LIMIT_MS);
    if (why !== null) {
      throw new DoesNotApply(`what the last boot began with cannot be reused: ${why}`);
    }
  } finally {
    await stub.leave();
  }
}
