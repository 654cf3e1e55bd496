/**
 * A reboot without firmware: the kernel that runs starts the next one.
 *
 * References:
 * - [kexec_load(2)], [reboot(2)] LINUX_REBOOT_CMD_KEXEC
 * - [kill(2)] a process id of -1 means all but the first process and the caller
 * - [boot_params] Documentation/ABI/testing/sysfs-kernel-boot_params of Linux
 * - [proc_pid_mounts(5)], [mount(2)] MS_REMOUNT
 */
import { SystemCallFailed } from "./errno.js";
import { listNumbers, readFile, readText } from "./files.js";
import type { Program } from "./gate.js";
import {
  KERNEL_HEAD_BYTES,
  KexecRefused,
  placeKernel,
  readKernelFile,
  START_PAGES,
  startPages,
} from "./kexec-image.js";
import type { BootEntry } from "./kexec-menu.js";
import { commandLineOf, nextBoot, whyBootDiffers } from "./next-boot.js";
import { parseStat } from "./procfs.js";
import { stopTask } from "./ptrace.js";
import { sleep } from "./sleep.js";
import type { Stub } from "./stub-session.js";

const RUNNING_PARAMETERS = "/sys/kernel/boot_params/data";
const PAGE = 4096;

const O_CLOEXEC = 0o2000000;
const SEEK_END = 2;
const PROT_READ = 1;
const MAP_PRIVATE_POPULATE = 0x8002;

const INIT = 1;
const SIGHUP = 1;
const SIGKILL = 9;
const SIGTERM = 15;
const PF_KTHREAD = 0x200000;
const MS_REMOUNT_RDONLY = 0x21;

const REBOOT_MAGIC = [0xfee1dead, 672274793] as const;
const REBOOT_KEXEC = 0x45584543;

/** How often it is looked whether all processes have ended, in ms; after so many looks they are killed, and then given up. */
const LOOK_MS = 20;
const LOOKS_BEFORE_KILL = 50;
const MOST_LOOKS = 250;

/**
 * Loads what the boot loader would start, for {@link startLoadedKernel}.
 *
 * @throws {BootMenuError | KexecRefused | SystemCallFailed} nothing is loaded then
 */
export function* loadNextKernel(stub: Stub): Program<BootEntry> {
  const entry = yield* nextBoot(stub);
  const [initrdPath, another] = entry.initrds;
  if (another !== undefined) {
    throw new KexecRefused(
      `several initial RAM disks cannot be loaded: ${entry.initrds.join(" ")}`,
    );
  }
  const running = yield* readFile(stub, RUNNING_PARAMETERS);
  const kernel = yield* mapFile(stub, entry.kernel);
  const initrd = initrdPath === undefined ? NO_FILE : yield* mapFile(stub, initrdPath);
  const header = readKernelFile(
    stub.memory.read(kernel.address, Math.min(kernel.bytes, KERNEL_HEAD_BYTES)),
  );
  const kernelBytes = kernel.bytes - header.loadedFrom;
  const placed = placeKernel(header, { kernel: kernelBytes, initrd: initrd.bytes }, running);
  const pages = startPages(header, placed, {
    running,
    initrdBytes: initrd.bytes,
    commandLine: commandLineOf(entry),
  });
  stub.memory.write(stub.out, pages);
  const segments = [
    [stub.out, pages.length, START_PAGES.address],
    [kernel.address + header.loadedFrom, kernelBytes, placed.kernel],
    [initrd.address, initrd.bytes, placed.initrd],
  ].filter(([, bytes]) => bytes !== 0);
  const table = Uint32Array.from(
    segments.flatMap(([from = 0, bytes = 0, to = 0]) => [from, bytes, to, wholePages(bytes)]),
  );
  const { address } = START_PAGES;
  yield* stub.call("kexec_load", address, segments.length, new Uint8Array(table.buffer), 0);
  for (const file of [kernel, initrd]) {
    if (file.bytes > 0) yield* stub.call("munmap", file.address, file.bytes);
  }
  return entry;
}

/** A file in the stub's memory. */
interface MappedFile {
  readonly address: number;
  readonly bytes: number;
}

const NO_FILE: MappedFile = { address: 0, bytes: 0 };

function* mapFile(stub: Stub, path: string): Program<MappedFile> {
  const fd = yield* stub.call("open", path, O_CLOEXEC);
  try {
    const bytes = yield* stub.call("lseek", fd, 0, SEEK_END);
    if (bytes === 0) throw new KexecRefused(`${path} is empty`);
    const address = yield* stub.call("mmap2", 0, bytes, PROT_READ, MAP_PRIVATE_POPULATE, fd, 0);
    return { address: address >>> 0, bytes };
  } finally {
    yield* stub.attempt("close", fd);
  }
}

function wholePages(bytes: number): number {
  return Math.ceil(bytes / PAGE) * PAGE;
}

/**
 * Takes the system down as an init does at a reboot, but for the reboot itself: all processes are asked to
 * end and killed if they do not, and the file systems on disks are made read-only. The first process is
 * stopped before, so that it starts none of them anew; scripts that stop services do not run.
 *
 * @throws {KexecRefused} if processes are left that cannot be killed
 */
export function* takeDown(stub: Stub): Program<void> {
  yield* stopTask(stub, INIT, "goes-on");
  yield* stub.attempt("kill", -1, SIGTERM);
  // Shells do not end by the other.
  yield* stub.attempt("kill", -1, SIGHUP);
  for (let look = 0; yield* othersRun(stub); look++) {
    if (look >= MOST_LOOKS) throw new KexecRefused("there are processes that cannot be killed");
    if (look >= LOOKS_BEFORE_KILL) yield* stub.attempt("kill", -1, SIGKILL);
    yield* sleep(stub, LOOK_MS * 1e6);
  }
  yield* stub.call("sync");
  for (const path of diskMounts(yield* readText(stub, "/proc/mounts")).reverse()) {
    // One that cannot be made read-only is synchronised; its journal says what is left to do.
    yield* stub.attempt("mount", 0, path, 0, MS_REMOUNT_RDONLY, 0);
  }
}

/** Whether a program runs besides the first one and the stub. */
function* othersRun(stub: Stub): Program<boolean> {
  const own = yield* stub.call("getpid");
  for (const pid of yield* listNumbers(stub, "/proc")) {
    if (pid === INIT || pid === own) continue;
    try {
      const stat = parseStat(yield* readText(stub, `/proc/${pid}/stat`));
      if (!/[ZX]/.test(stat.state) && (stat.field(9) & PF_KTHREAD) === 0) return true;
    } catch (error) {
      // It has ended since the directory was read.
      if (!(error instanceof SystemCallFailed && error.is("ENOENT", "ESRCH"))) throw error;
    }
  }
  return false;
}

/** Where file systems on devices are mounted, in the order in which they were. */
export function diskMounts(mounts: string): string[] {
  return mounts.split("\n").flatMap((line) => {
    const [device = "", path = ""] = line.split(" ");
    const unescaped = path.replaceAll(/\\([0-7]{3})/g, (_, code: string) =>
      String.fromCharCode(parseInt(code, 8)),
    );
    return device.startsWith("/dev/") && path !== "" ? [unescaped] : [];
  });
}

/** Starts the kernel that was loaded. It does not return: the stub is gone with its kernel. */
export function* startLoadedKernel(stub: Stub): Program<void> {
  yield* stub.call("reboot", ...REBOOT_MAGIC, REBOOT_KEXEC, 0);
}

/** What a stub can be commanded to do about the next boot. */
export function bootCommands() {
  return {
    whyBootDiffers: (stub: Stub): Program<string | null> => whyBootDiffers(stub),
    loadNextKernel: (stub: Stub): Program<BootEntry> => loadNextKernel(stub),
    takeDown: (stub: Stub): Program<void> => takeDown(stub),
    startLoadedKernel: (stub: Stub): Program<void> => startLoadedKernel(stub),
  };
}
