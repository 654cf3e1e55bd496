/**
 * Pre-copy: the memory of processes is read while they run, so that only what they have changed since
 * needs to be moved while they stand still.
 *
 * References:
 * - [criu] https://criu.org/Iterative_migration: the same for CRIU, which asks the kernel what has changed
 */
import { listNumbers, readLink, readText } from "../guest/files.js";
import type { Program } from "../guest/gate.js";
import { type MapsLine, parseFields, parseMaps } from "../guest/procfs.js";
import { PAGE_BYTES } from "../guest/page-tables.js";
import type { Stub } from "../guest/stub-session.js";
import { SystemCallFailed } from "../guest/errno.js";
import type { GuestAccess } from "../machine/resident.js";
import { capturePages, expectRoom, isContent } from "./capture-memory.js";
import {
  captureMappings,
  captureVdso,
  controllingTerminal,
  listThreads,
  ownMemory,
} from "./capture-process.js";
import { captureClocks } from "./clocks.js";
import type { Mapping } from "./image.js";
import { isWithin, keptRanges } from "./kept-ranges.js";
import type { ChangedPages, Outline, OutlinedProcess } from "./outline.js";
import type { ProcessSummary } from "./select.js";
import { tellOf, type ToldProcess } from "./told.js";

/** What was told of the memory of some processes. */
export interface PreCopy {
  /** Reads processes while they run; what was told before is forgotten. */
  outline(stub: Stub, processes: readonly ProcessSummary[]): Program<Outline>;
  /** Reads what they have changed since they were read last, while they run. */
  again(stub: Stub): Program<ChangedPages[]>;
  /**
   * Which of a process's pages are to be told now, for `capturePages`; afterwards `gone` has the addresses of those that
   * were told and are no longer there.
   */
  filter(pid: number, mappings: readonly Mapping[]): PageFilter;
  forget(): void;
}

/** Which pages are new, and which ones have gone. */
export interface PageFilter {
  isNew(address: number, content: Uint8Array, mapping: MapsLine): boolean;
  gone(): Uint32Array;
}

/** Makes a memory of what was told; nothing was, at first. */
export function createPreCopy(access: GuestAccess): PreCopy {
  let known = tellOf({ processes: [] });

  function filter(pid: number, mappings: readonly Mapping[]): PageFilter {
    const told = known.processes.get(pid);
    const kept = told === undefined ? [] : keptRanges(told.mappings, mappings);
    const still = new Set<number>();
    return {
      isNew(address, content, mapping) {
        const before = isWithin(kept, address) ? told?.pages.get(address) : undefined;
        const isSame = before !== undefined && equal(before, content);
        const isThere = isSame || isContent(content, mapping);
        if (isThere) still.add(address);
        return isThere && !isSame;
      },
      gone() {
        const before = [...(told?.pages.keys() ?? [])];
        const gone = before.filter((address) => isWithin(kept, address) && !still.has(address));
        return Uint32Array.from(gone).sort();
      },
    };
  }

  function* changesOf(stub: Stub, pid: number, told: ToldProcess): Program<ChangedPages> {
    const { mappings, maps } = yield* readMappings(stub, pid);
    const which = filter(pid, mappings);
    const kept = keptRanges(told.mappings, mappings);
    const pages = yield* capturePages(
      stub,
      access,
      pid,
      maps,
      // What lies elsewhere can be moved only when the mappings are.
      (address, ...rest) => isWithin(kept, address) && which.isNew(address, ...rest),
    );
    return { pid, pages, gone: which.gone() };
  }

  return {
    *outline(stub, summaries) {
      const present = new Set<number>();
      const processes: OutlinedProcess[] = [];
      const paths = new Set<string>();
      for (const summary of summaries) {
        const process = yield* unlessGone(readProcess(stub, access, summary, present));
        if (process === null) continue;
        processes.push(process);
        expectRoom(access, processes);
        present.add(process.pid);
        for (const path of yield* pathsOf(stub, process)) paths.add(path);
      }
      known = tellOf({ processes });
      const clocks = yield* captureClocks(stub, access, processes[0]?.pid ?? 1);
      return { clocks, processes, paths: [...paths] };
    },
    *again(stub) {
      const changes: ChangedPages[] = [];
      for (const [pid, told] of known.processes) {
        const changed = yield* unlessGone(changesOf(stub, pid, told));
        if (changed === null) continue;
        known.change(changed);
        changes.push(changed);
        expectRoom(access, changes);
      }
      return changes;
    },
    filter,
    forget() {
      known = tellOf({ processes: [] });
    },
  };
}

function* readProcess(
  stub: Stub,
  access: GuestAccess,
  summary: ProcessSummary,
  present: ReadonlySet<number>,
): Program<OutlinedProcess> {
  const { pid, parent, session } = summary;
  const { mappings, maps, vdso } = yield* readMappings(stub, pid);
  return {
    pid,
    parent: present.has(parent) ? parent : null,
    session,
    controllingTerminal: controllingTerminal(summary),
    mappings,
    vdso,
    pages: yield* capturePages(stub, access, pid, maps, (_, content, mapping) =>
      isContent(content, mapping),
    ),
    threads: (yield* listThreads(stub, pid)).map((tid) => ({ tid })),
  };
}

/** What a process has mapped for itself alone: of anonymous memory, and of files that have a name on the system's disk. */
function* readMappings(stub: Stub, pid: number) {
  const system = yield* systemDevice(stub);
  // The other guest gets other disks only when the processes stand still.
  const isThere = ({ path, device }: MapsLine): boolean =>
    !path.startsWith("/") || (device === system && !path.endsWith(" (deleted)"));
  const all = parseMaps(yield* readText(stub, `/proc/${pid}/maps`));
  const status = parseFields(yield* readText(stub, `/proc/${pid}/status`));
  const maps = ownMemory(all).filter((line) => !line.shared && isThere(line));
  const mappings = yield* captureMappings(stub, pid, { maps, mapped: new Map() }, status);
  const mem = yield* stub.call("open", `/proc/${pid}/mem`, 0);
  try {
    return { maps, mappings, vdso: yield* captureVdso(stub, mem, all, pid) };
  } finally {
    yield* stub.attempt("close", mem);
  }
}

/** The device of the system's disk, as `/proc/PID/maps` names it; see [makedev(3)]. */
function* systemDevice(stub: Stub): Program<string> {
  yield* stub.call("stat64", "/", stub.out);
  const device = stub.view(4).getUint32(0, true);
  const numbers = [(device >>> 8) & 0xfff, (device & 0xff) | ((device >>> 12) & 0xfff00)];
  return numbers.map((number) => number.toString(16).padStart(2, "0")).join(":");
}

/** Files that a process has open or mapped, and its folder, by their paths. */
function* pathsOf(stub: Stub, { pid, mappings }: OutlinedProcess): Program<string[]> {
  const links = [`/proc/${pid}/exe`, `/proc/${pid}/cwd`];
  for (const fd of yield* listNumbers(stub, `/proc/${pid}/fd`)) links.push(`/proc/${pid}/fd/${fd}`);
  const paths = mappings.flatMap(({ file }) => (file === null ? [] : [file.path]));
  for (const link of links) {
    const path = yield* unlessGone(readLink(stub, link));
    if (path?.startsWith("/") === true) paths.push(path);
  }
  return paths;
}

/** Does work that fails where a process has ended; null then. */
export function* unlessGone<T>(work: Program<T>): Program<T | null> {
  try {
    return yield* work;
  } catch (error) {
    if (error instanceof SystemCallFailed && error.is("ENOENT", "ESRCH")) return null;
    throw error;
  }
}

function equal(one: Uint8Array, other: Uint8Array): boolean {
  const a = new Int32Array(one.buffer, one.byteOffset, PAGE_BYTES / 4);
  const b = new Int32Array(other.buffer, other.byteOffset, PAGE_BYTES / 4);
  for (let index = 0; index < a.length; index++) if (a[index] !== b[index]) return false;
  return true;
}
