/**
 * What a guest would boot, compared with what it has booted.
 *
 * References:
 * - [proc_cmdline(5)]; [proc_stat(5)] btime; [stat(2)] st_ctime
 */
import { readText } from "./files.js";
import type { Program } from "./gate.js";
import { type BootEntry, defaultEntry } from "./kexec-menu.js";
import { ProcfsError } from "./procfs.js";
import type { Stub } from "./stub-session.js";

const MENU = "/boot/grub/grub.cfg";

const STAT64_BYTES = 96;
const STAT64_CTIME = 80;
const CLOCK_REALTIME = 0;

/** What the boot loader would start if the guest were rebooted now. */
export function* nextBoot(stub: Stub): Program<BootEntry> {
  return defaultEntry(yield* readText(stub, MENU));
}

/** The command line that a kernel gets from GRUB, which tells it where it was found. */
export function commandLineOf({ kernel, commandLine }: BootEntry): string {
  return `BOOT_IMAGE=${kernel} ${commandLine}`.trim();
}

/**
 * Why a boot now would not bring the same kernel with the same initial RAM disk and command line as the
 * last one did; null if it would. A file is known to be the same by its time of change, which the kernel
 * sets; files of an image may have one that is still to come.
 */
export function* whyBootDiffers(stub: Stub): Program<string | null> {
  const next = yield* nextBoot(stub);
  const booted = (yield* readText(stub, "/proc/cmdline")).trim();
  if (booted !== commandLineOf(next)) {
    return `the next boot starts "${commandLineOf(next)}", the last one has started "${booted}"`;
  }
  const bootedAt = bootTime(yield* readText(stub, "/proc/stat"));
  yield* stub.call("clock_gettime", CLOCK_REALTIME, stub.out);
  const now = stub.view(4).getInt32(0, true);
  for (const path of [next.kernel, ...next.initrds]) {
    yield* stub.call("stat64", path, stub.out);
    const changedAt = stub.view(STAT64_BYTES).getInt32(STAT64_CTIME, true);
    // The time of the boot is rounded.
    if (changedAt >= bootedAt - 1 && changedAt <= now) {
      return `${path} has changed since the last boot`;
    }
  }
  return null;
}

/** When the system booted, in seconds since 1970. */
function bootTime(stat: string): number {
  const found = /^btime (\d+)$/m.exec(stat);
  if (found === null) throw new ProcfsError("/proc/stat does not say when the system booted");
  return Number(found[1]);
}
