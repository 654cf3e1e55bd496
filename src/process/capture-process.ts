/**
 * Reading all that a stopped process is.
 *
 * References:
 * - [proc(5)]; [prctl(2)] PR_SET_MM_MAP and [brk(2)] for the layout of memory; [modify_ldt(2)], [getrlimit(2)], [sigaction(2)], [getitimer(2)]
 */
import type { Program } from "../guest/gate.js";
import { listNumbers, readFile, readLink, readText } from "../guest/files.js";
import { hex } from "../guest/memory.js";
import { field, type MapsLine, parseFields, parseStat, type Stat } from "../guest/procfs.js";
import { peekSignals, SIGTRAP } from "../guest/ptrace.js";
import { openTracee } from "../guest/tracee.js";
import { ANSWER, createQuestions, type Questions, withQuestionRoom } from "../guest/questions.js";
import { ALL_SIGNALS } from "../guest/signals.js";
import type { Stub } from "../guest/stub-session.js";
import type { GuestAccess } from "../machine/resident.js";
import { capturePages } from "./capture-memory.js";
import { captureThread, type OpenThread, type StoppedThread } from "./capture-thread.js";
import { captureCgroups } from "./cgroups.js";
import { fileVersion, type FileVersion } from "./file-version.js";
import { CannotCarry } from "./files/file-kind.js";
import { terminalPath } from "./files/terminal.js";
import type { Mapping, ProcessImage, ThreadImage } from "./image.js";
import { mappedIdentity } from "./mapped-files.js";
import { askProcessFlags } from "./prctl-flags.js";
import { putBackSequence, type ReadRseq } from "./rseq.js";
import type { ProcessSummary } from "./select.js";
import { attachmentsOf, isSegment } from "./system-v.js";
import { askIntervalTimers, askPosixTimers } from "./timers.js";

/** A process of which every thread is stopped. */
export interface StoppedProcess {
  readonly summary: ProcessSummary;
  /** The first one is the leader. */
  readonly threads: readonly StoppedThread[];
  readonly stoppedBy: number | null;
}

/** What a stopped process has mapped. */
export interface ProcessMemory {
  readonly maps: readonly MapsLine[];
  /** Files without a name: index of each, by `mappedIdentity`. */
  readonly mapped: ReadonlyMap<string, number>;
}

/** Which of a process's pages an image is to have; called with its mappings, and asked for each page. */
export type ChoosePages = (
  pid: number,
  mappings: readonly Mapping[],
) => (address: number, content: Uint8Array, mapping: MapsLine) => boolean;

/** What the processes of one capture share. */
export interface CaptureOptions {
  readonly choosePages: ChoosePages;
  readonly readRseq: ReadRseq;
}

/** Areas that the kernel makes, which are not captured as memory. */
const KERNEL_AREAS = ["[vvar]", "[vvar_vclock]", "[vdso]", "[vsyscall]"];

const LIMITS = 16;
const SIGACTION_BYTES = 20;
const LDT_ENTRY_BYTES = 8;
const SIGKILL = 9;
const SIGSTOP = 19;

/**
 * Reads a stopped process, but for its descriptors, and leaves it as it was.
 *
 * @throws {CannotCarry} naming what cannot go on elsewhere
 */
export function* captureProcess(
  stub: Stub,
  access: GuestAccess,
  { summary, threads, stoppedBy }: StoppedProcess,
  { maps, mapped }: ProcessMemory,
  parent: number | null,
  { choosePages, readRseq }: CaptureOptions,
): Program<Omit<ProcessImage, "descriptors">> {
  const { pid } = summary;
  const stat = parseStat(yield* readText(stub, `/proc/${pid}/stat`));
  const status = parseFields(yield* readText(stub, `/proc/${pid}/status`));
  const own = ownMemory(maps);
  const mappings = yield* captureMappings(stub, pid, { maps: own, mapped }, status);
  const pages = yield* capturePages(stub, access, pid, own, choosePages(pid, mappings));
  const mem = yield* stub.call("open", `/proc/${pid}/mem`, 2);
  const opened: OpenThread[] = [];
  const putBackSequences = function* (): Program<void> {
    for (const { thread, rseq } of opened) yield* putBackSequence(stub, thread.tid, rseq);
  };
  try {
    const vdso = yield* captureVdso(stub, mem, maps, pid);
    const gadget = vdso.address + findInt80(vdso.image, pid);
    const trapIsUnused = !isIn(signals(status, "SigIgn"), SIGTRAP);
    for (const thread of threads) {
      const { tid, registers } = thread;
      const tracee = yield* openTracee(stub, { tid, registers, gadget }, trapIsUnused);
      opened.push({ thread, tracee, rseq: yield* readRseq(stub, mem, tracee) });
    }
    const leader = opened[0]?.tracee;
    if (leader === undefined) throw new CannotCarry(`process ${pid} has no thread`);
    const told = yield* withQuestionRoom(stub, leader, mem, function* (room) {
      const ofLeader = createQuestions();
      const actions = askActions(ofLeader, status);
      const intervalTimers = askIntervalTimers(ofLeader);
      const posixTimers = yield* askPosixTimers(stub, pid, ofLeader);
      const flags = yield* askProcessFlags(stub, pid, ofLeader);
      const brk = ofLeader.ask("brk", 0);
      const segments = ofLeader.ask("modify_ldt", 0, ANSWER, LDT_ENTRY_BYTES);
      const images: ThreadImage[] = [];
      for (const [index, thread] of opened.entries()) {
        const its =
          index === 0
            ? { questions: ofLeader, room, status }
            : { questions: createQuestions(), room, status: null };
        images.push(yield* captureThread(stub, pid, thread, its));
      }
      if (segments().value > 0) {
        throw new CannotCarry(`process ${pid} has segments of its own (modify_ldt)`);
      }
      return {
        memoryLayout: memoryLayout(stat, brk().value >>> 0),
        actions: actions(),
        intervalTimers: intervalTimers(),
        posixTimers: posixTimers(),
        flags: flags(),
        threads: images,
      };
    });
    yield* putBackSequences();

    return {
      pid,
      parent,
      group: summary.group,
      session: summary.session,
      controllingTerminal: controllingTerminal(summary),
      stoppedBy,
      executable: yield* readLink(stub, `/proc/${pid}/exe`),
      workingDirectory: yield* readLink(stub, `/proc/${pid}/cwd`),
      rootDirectory: yield* readLink(stub, `/proc/${pid}/root`),
      umask: parseInt(field(status, "Umask"), 8),
      limits: yield* captureLimits(stub, pid),
      cgroups: yield* captureCgroups(stub, pid),
      oomScoreAdjustment: Number(yield* readText(stub, `/proc/${pid}/oom_score_adj`)),
      auxiliaryVector: yield* readFile(stub, `/proc/${pid}/auxv`),
      mappings,
      attachments: attachmentsOf(maps, pid),
      vdso,
      pages,
      pending: yield* peekSignals(stub, leader.tid, true),
      ...told,
    };
  } catch (error) {
    yield* putBackSequences();
    throw error;
  } finally {
    yield* stub.attempt("close", mem);
  }
}

/** The memory of a process that is not the kernel's, nor a segment of [shmget(2)]. */
export function ownMemory(maps: readonly MapsLine[]): MapsLine[] {
  return maps.filter((area) => !KERNEL_AREAS.includes(area.path) && !isSegment(area));
}

/**
 * The vDSO of a process.
 *
 * @param mem `/proc/PID/mem`
 * @throws {CannotCarry} if it has none
 */
export function* captureVdso(
  stub: Stub,
  mem: number,
  maps: readonly MapsLine[],
  pid: number,
): Program<NonNullable<ProcessImage["vdso"]>> {
  const area = maps.find(({ path }) => path === "[vdso]");
  if (area === undefined) {
    throw new CannotCarry(`process ${pid} has no vDSO through which it could be read`);
  }
  const { start, end } = area;
  const read = yield* stub.call("pread64", mem, stub.out, end - start, start, 0);
  return { address: start, image: stub.results(read) };
}

/** Where in a vDSO there is an `int 0x80`. */
export function findInt80(image: Uint8Array, pid: number): number {
  const at = image.findIndex((byte, index) => byte === 0xcd && image[index + 1] === 0x80);
  if (at < 0) throw new CannotCarry(`the vDSO of process ${pid} has no int 0x80`);
  return at;
}

/** For the leader of a session: the terminal that controls it, and the group in front there. */
export function controllingTerminal({
  pid,
  session,
  terminal,
  foreground,
}: ProcessSummary): ProcessImage["controllingTerminal"] {
  if (pid !== session || terminal === 0) return null;
  return { path: terminalPath(pid, terminal), foreground };
}

/** Asks a stopped process what it does at signals for which it does not do what is usual. */
function askActions(
  questions: Questions,
  status: ReturnType<typeof parseFields>,
): () => ProcessImage["actions"] {
  const handled = signals(status, "SigCgt") | signals(status, "SigIgn");
  const actions = ALL_SIGNALS.filter(
    (signal) => signal !== SIGKILL && signal !== SIGSTOP && isIn(handled, signal),
  ).map((signal) => ({ signal, answer: questions.ask("rt_sigaction", signal, 0, ANSWER, 8) }));
  return () =>
    actions.map(({ signal, answer }) => ({
      signal,
      action: answer().result.slice(0, SIGACTION_BYTES),
    }));
}

/** A set of signals as `/proc/PID/status` shows it, a bit each. */
function signals(status: ReturnType<typeof parseFields>, name: string): bigint {
  return BigInt(`0x${field(status, name)}`);
}

function isIn(set: bigint, signal: number): boolean {
  return (set & (1n << BigInt(signal - 1))) !== 0n;
}

function* captureLimits(stub: Stub, pid: number): Program<[bigint, bigint][]> {
  const limits: [bigint, bigint][] = [];
  for (let resource = 0; resource < LIMITS; resource++) {
    yield* stub.call("prlimit64", pid, resource, 0, stub.out);
    const view = stub.view(16);
    limits.push([view.getBigUint64(0, true), view.getBigUint64(8, true)]);
  }
  return limits;
}

/** Fields of `/proc/PID/stat` that PR_SET_MM_MAP takes: start_code, end_code, start_data, end_data, start_brk, brk, start_stack, arg_start ... env_end. */
function memoryLayout(stat: Stat, brk: number): number[] {
  return [
    stat.field(26),
    stat.field(27),
    stat.field(45),
    stat.field(46),
    stat.field(47),
    brk,
    stat.field(28),
    stat.field(48),
    stat.field(49),
    stat.field(50),
    stat.field(51),
  ];
}

/** What is mapped, and which version of which file it shows. */
export function* captureMappings(
  stub: Stub,
  pid: number,
  { maps, mapped }: ProcessMemory,
  status: ReturnType<typeof parseFields>,
): Program<Mapping[]> {
  // To tell which ones are locked, the kernel has to look at every page.
  const hasLocked = field(status, "VmLck") !== "0 kB";
  const flags = vmFlags(hasLocked ? yield* readText(stub, `/proc/${pid}/smaps`) : "");
  const mappings: Mapping[] = [];
  const versions = new Map<string, FileVersion>();
  for (const line of maps) {
    const { start, end, read, write, execute, shared, offset, path } = line;
    const openFile = mapped.get(mappedIdentity(line));
    const isNamed = path.startsWith("/") && openFile === undefined;
    if (isNamed && path.endsWith(" (deleted)")) {
      throw new CannotCarry(`process ${pid} has ${path} mapped at ${hex(start)}`);
    }
    const version = isNamed ? (versions.get(path) ?? (yield* fileVersion(stub, path))) : null;
    if (version !== null) versions.set(path, version);
    mappings.push({
      start,
      end,
      protection: (read ? 1 : 0) | (write ? 2 : 0) | (execute ? 4 : 0),
      growsDown: path === "[stack]",
      locked: flags.get(start)?.includes("lo") ?? false,
      shared,
      offset,
      file: version && { path, ...version },
      openFile: openFile ?? null,
    });
  }
  return mappings;
}

/** The flags of each area, by its first address, from `/proc/PID/smaps`. */
function vmFlags(text: string): ReadonlyMap<number, readonly string[]> {
  const flags = new Map<number, string[]>();
  let start = 0;
  for (const line of text.split("\n")) {
    const area = /^([0-9a-f]+)-[0-9a-f]+ /.exec(line);
    if (area !== null) start = parseInt(area[1] ?? "", 16);
    if (line.startsWith("VmFlags:")) flags.set(start, line.slice(8).trim().split(" "));
  }
  return flags;
}

/** The threads of a process, ascending; its leader is the one whose number is the process id. */
export function* listThreads(stub: Stub, pid: number): Program<number[]> {
  const tids = yield* listNumbers(stub, `/proc/${pid}/task`);
  return [pid, ...tids.filter((tid) => tid !== pid)];
}
