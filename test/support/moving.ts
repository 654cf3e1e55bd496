import { after } from "../../src/clock/virtual-time.js";
import { guestLogin } from "../../src/experiment/prepared-guest.js";
import { linkStub, type CommandLink } from "../../src/guest/command-link.js";
import { serialStub } from "../../src/guest/serial-stub.js";
import { openConsole } from "../../src/machine/console.js";
import type { ProcessCommands } from "../../src/process/engine.js";
import { logIn, runCommand, type Terminal } from "../../src/reboot/vm.js";
import type { TwoKernels } from "./two-kernels.js";

/** A guest on its old kernel and the same guest on its new one, between which programs are moved. */
export interface Pair {
  readonly source: Side;
  readonly target: Side;
  dispose(): Promise<void>;
}

/** One machine of a pair, with a shell of root open on its console. */
export interface Side extends Terminal {
  /** Runs a shell command and returns what it prints. */
  sh(command: string): Promise<string>;
  /** Lets virtual time pass, in ms. */
  pass(ms: number): Promise<void>;
  /** Starts a stub; its system call of the number `failCall`, if one is given, fails. */
  stub(options?: { readonly failCall: number | null }): Promise<CommandLink<ProcessCommands>>;
}

/** Process ids given out from here on are of the source only. */
const SOURCE_PIDS = 20_000;
/** Where the programs keep their files: on the disk that goes along. */
const HOME_DISK = 1;
const COMMAND_MS = 20_000;
const MOVE_MS = 20_000;

/** Starts both machines. */
export async function openPair({ guest, before, after: updated }: TwoKernels): Promise<Pair> {
  async function side(name: string, snapshot: TwoKernels["before"]): Promise<Side> {
    const machine = await guest.startMachine(name);
    await machine.restoreSnapshot(snapshot);
    const console = openConsole(machine, 0);
    const advance = async (until: ReturnType<typeof machine.now>): Promise<void> => {
      await machine.run({ until });
    };
    await logIn({ machine, console }, { login: guestLogin(guest.recipe) });
    return {
      machine,
      console,
      async sh(command) {
        const { output } = await runCommand({ machine, console }, command, COMMAND_MS);
        return output;
      },
      pass: (ms) => advance(after(machine.now(), ms)),
      stub: (options) => linkStub<ProcessCommands>(machine, serialStub(console, advance), options),
    };
  }
  const [source, target] = await Promise.all([side("source", before), side("target", updated)]);
  await source.sh(`echo ${SOURCE_PIDS} >/proc/sys/kernel/ns_last_pid`);
  await unmountHome(target);
  return {
    source,
    target,
    async dispose() {
      await source.machine.dispose();
      await target.machine.dispose();
    },
  };
}

/** Gives up the disk of /home, once those have ended that have files open there. */
export async function unmountHome(side: Side): Promise<void> {
  const said = await side.sh(
    "cd /; for i in $(seq 100); do umount /home 2>/dev/null && break; usleep 50000; done; grep ' /home ' /proc/mounts",
  );
  if (said !== "") throw new Error(`/home cannot be unmounted: ${said}`);
}

/** Lets the machine whose clock is behind wait for the other: to a program that moves it is one clock. */
export async function meet({ source, target }: Pair): Promise<void> {
  const ahead = source.machine.now() - target.machine.now();
  await (ahead > 0 ? target.pass(ahead) : source.pass(-ahead));
}

/**
 * Moves processes, each with all that descend from it, and the disk of /home; what is left in the source is killed.
 *
 * @throws {CommandFailed} with what cannot be captured or restored; the processes go on in the source then
 */
export async function move(pair: Pair, ...pids: readonly number[]): Promise<void> {
  await moveWith(pair, async (from, startTarget) => {
    const selections = pids.map((pid) => ({ by: "pid", pid }) as const);
    const image = await from.ask("capture", selections, MOVE_MS);
    return {
      processes: image.processes,
      async restore() {
        const to = await startTarget();
        await to.ask("restore", image, MOVE_MS);
      },
    };
  });
}

/**
 * The same, but most of the memory is copied while the process runs, into one that waits for it.
 *
 * @param meanwhile what happens in the source after the first copy, and again after the second
 * @returns how many pages had to be moved while it stood still
 */
export async function moveCopiedAhead(
  pair: Pair,
  pid: number,
  meanwhile: () => Promise<void>,
): Promise<number> {
  let pages = 0;
  await moveWith(pair, async (from, startTarget) => {
    const selections = [{ by: "pid", pid } as const];
    const outline = await from.ask("outline", selections, MOVE_MS);
    const to = await startTarget();
    await to.ask("prepare", outline, MOVE_MS);
    await meanwhile();
    await to.ask("refresh", await from.ask("changes", null, MOVE_MS), MOVE_MS);
    await meanwhile();
    await from.ask("freeze", selections, MOVE_MS);
    const changed = await from.ask("captureChanges", null, MOVE_MS);
    const { processes } = changed.image;
    for (const process of processes) pages += process.pages.addresses.length;
    return { processes, restore: () => to.ask("restoreChanges", changed, MOVE_MS) };
  });
  return pages;
}

type Link = CommandLink<ProcessCommands>;

/** @param capture stops processes with a stub of the source; the stub that it may start in the target is one and the same */
async function moveWith(
  pair: Pair,
  capture: (
    from: Link,
    startTarget: () => Promise<Link>,
  ) => Promise<{ processes: readonly { pid: number }[]; restore(): Promise<void> }>,
): Promise<void> {
  const { source, target } = pair;
  const from = await source.stub();
  let started: Link | null = null;
  const startTarget = async (): Promise<Link> => (started ??= await target.stub());
  try {
    const captured = await capture(from, startTarget);
    await source.sh("sync; fsfreeze -f /home");
    const home = await source.machine.diskOverlay(HOME_DISK);
    await source.sh("fsfreeze -u /home");
    await target.machine.attachDisk(HOME_DISK, home);
    const said = await target.sh("blockdev --flushbufs /dev/sdb; mount /home");
    if (said !== "") throw new Error(`/home cannot be mounted in the target: ${said}`);
    const to = await startTarget();
    // The process stands still in the source.
    if (target.machine.now() < source.machine.now()) await meet(pair);
    await captured.restore();
    await to.ask("release", null, MOVE_MS);
    // A dead process needs no thawing.
    const moved = captured.processes.map((process) => process.pid).join(" ");
    await source.sh(`kill -9 ${moved}`);
  } finally {
    await from.ask("thaw", null, MOVE_MS);
    await from.leave();
    // An assignment in a function that is called is not seen here.
    await (started as Link | null)?.leave();
  }
}

/** A self-checking program of the guest did not come so far that it could be moved. */
export class ProofNotReady extends Error {
  override readonly name = "ProofNotReady";
}

/**
 * Starts a self-checking program of the guest; it waits for `verdictOf` then.
 *
 * @param input what its standard input is
 * @returns its process id
 * @throws {ProofNotReady} with its verdict, if it has one already
 */
export async function startProof(side: Side, name: string, input = "/dev/null"): Promise<number> {
  await side.sh("rm -f /run/proof-check; mkdir -p /home/proof");
  side.console.skip();
  // Not with "&": it would ignore the interrupt key. A leader of a group, setsid goes on in a child.
  await side.console.type(
    ` (cd /home/proof; PROOF_DIR=/home/proof exec setsid /usr/lib/proof/${name} <${input} >/dev/ttyS0 2>&1)\n`,
  );
  const { match } = await side.console.expect(
    new RegExp(`(READY ${name} (\\d+)|(?:FAILED|SKIPPED) ${name}.*)\\n`, "m"),
    { withinMs: COMMAND_MS, what: `${name} to be ready` },
  );
  if (match[2] === undefined) throw new ProofNotReady(match[1]);
  return Number(match[2]);
}

/** Lets a self-checking program check itself; returns the line with its verdict. */
export async function verdictOf(side: Side, name: string): Promise<string> {
  side.console.skip();
  await side.console.type(" touch /run/proof-check\n");
  const { match } = await side.console.expect(
    new RegExp(`((?:PASSED|FAILED|SKIPPED) ${name}.*)\\n`, "m"),
    { withinMs: COMMAND_MS, what: `the verdict of ${name}` },
  );
  return match[1] ?? "";
}

/**
 * Starts a self-checking program of the guest, moves it, and returns the line with its verdict.
 *
 * @param input what its standard input is
 * @throws {CommandFailed} with what cannot be captured or restored
 */
export async function moveProof(pair: Pair, name: string, input?: string): Promise<string> {
  const { source, target } = pair;
  await meet(pair);
  let pid: number;
  try {
    pid = await startProof(source, name, input);
  } catch (error) {
    if (error instanceof ProofNotReady) return error.message;
    throw error;
  }
  await target.sh("rm -f /run/proof-check");
  await move(pair, pid);
  const verdict = await verdictOf(target, name);
  await unmountHome(target);
  return verdict;
}
