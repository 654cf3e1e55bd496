/**
 * Strategy `kexec`: a reboot without firmware and boot loader. The kernel that runs starts the updated
 * one ([kexec_load(2)]). No program in the guest is needed for it; the stub makes the system calls.
 */
import { after } from "../clock/virtual-time.js";
import { linkStub } from "../guest/command-link.js";
import type { ProcessCommands } from "../process/engine.js";
import { fileDowntime } from "./downtime.js";
import { REBOOT_LIMIT_MS } from "./limits.js";
import { awaitBoot, awaitReturn, proveUpdate } from "./plain-reboot.js";
import { pass, type Run } from "./run.js";

/** How long the guest may take to read a kernel from its disk, and to end all programs, in ms. */
const LOAD_LIMIT_MS = 30_000;
const TAKE_DOWN_LIMIT_MS = 30_000;

/** The phase of a boot that is left out. */
const FIRMWARE = "firmware";

/**
 * Loads what the boot loader would start, ends all programs and starts it. Until they are ended, any
 * error leaves the guest as it was; after that there is no way back, as in `reboot`.
 */
export async function kexec(run: Run): Promise<void> {
  const { host, guest, original } = run;
  const link = await linkStub<ProcessCommands>(original.machine, {
    async start() {
      await original.attendant.ask("stub", LOAD_LIMIT_MS);
    },
    // The attendant ends with the other programs, so it cannot wake the stub.
    wake: null,
    advance: (until) => host.advanceTo(host.hostTime(original.machine, until)),
  });
  try {
    await run.phase("load-kernel", { vm: original, downtime: false }, async () => {
      const { kernel } = await link.ask("loadNextKernel", null, LOAD_LIMIT_MS);
      run.event("kernel-loaded", { file: kernel }, original);
    });
  } catch (error) {
    await link.leave();
    throw error;
  }

  await run.enter("kexec");
  const deadline = after(host.now(), REBOOT_LIMIT_MS);
  run.event("goes-down", undefined, original);
  await link.ask("takeDown", null, TAKE_DOWN_LIMIT_MS);
  const downMs = host.now();
  await link.tell("startLoadedKernel", null);
  await pass(run, 1);
  const phases = guest.bootPhases.filter(({ name }) => name !== FIRMWARE);
  const marks = await awaitBoot(run, phases, deadline);
  await awaitReturn(run, downMs);
  fileDowntime(run, downMs, [{ name: "shutdown", atMs: downMs }, ...marks]);
  await proveUpdate(run);
}
