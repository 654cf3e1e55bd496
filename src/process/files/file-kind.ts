import type { Program } from "../../guest/gate.js";
import type { Stub } from "../../guest/stub-session.js";

/** An open file of a stopped process, for the kind of file that captures it. */
export interface FoundFile {
  /** A duplicate of the descriptor, in the stub. */
  readonly fd: number;
  /** Where the link in `/proc/PID/fd` points. */
  readonly link: string;
  /** File type bits and permissions, as of [stat(2)]. */
  readonly mode: number;
  readonly device: number;
  readonly inode: number;
  /** Its file system's number, as of [statfs(2)]; 0 if it has none. */
  readonly fileSystem: number;
  /** User and group that own it. */
  readonly uid: number;
  readonly gid: number;
  readonly specialDevice: number;
  /** In bytes. */
  readonly size: number;
  /** Last change of its content, in ns since 1970. */
  readonly changedNs: bigint;
  /** Number of names that it has. */
  readonly links: number;
  /** What it was opened with, as of [open(2)], without O_CLOEXEC and O_ASYNC. */
  readonly flags: number;
  readonly position: number;
  /** Lines of `/proc/PID/fdinfo/FD`. */
  readonly info: ReadonlyMap<string, readonly string[]>;
  readonly pid: number;
  /** The process's own number for it; -1 if it is mapped and not open. */
  readonly number: number;
}

/** A descriptor of a process, and the open file that it stands for. */
export interface Holder {
  readonly pid: number;
  readonly number: number;
  /** Index of the open file in the image. */
  readonly file: number;
}

/** What the files of one capture have in common. */
export interface CaptureContext {
  /** Process ids that are captured. */
  readonly pids: ReadonlySet<number>;
  /** All descriptors that are captured. */
  readonly holders: readonly Holder[];
  /** All open files that are captured, each once. */
  readonly files: readonly FoundFile[];
  /** Things that several files have in common and that are captured once, by kind and name. */
  readonly shared: Map<string, unknown>;
}

/** What the files of one restore have in common. */
export interface RestoreContext {
  /** Things that several files have in common and that are made once, by kind and name: descriptors in the stub. */
  readonly shared: Map<string, unknown>;
}

/** What a file can do while it is set up in a process that has it; see `FileKind.settle`. */
export interface SettleContext {
  /**
   * Takes an open file of the image, by its index, into the process.
   *
   * @returns a number above those that any file asks for; who took it closes it
   */
  take(file: number): Program<number>;
}

/**
 * One kind of open file. `S` is its state in a process image: a plain object with the literal `kind`.
 */
export interface FileKind<S extends { readonly kind: string }> {
  readonly kind: S["kind"];
  /** Whether it is opened only when the processes of the tree are there; all other files are open before. */
  readonly needsProcesses?: true;
  /** Whether a file is of this kind. */
  matches(file: FoundFile): boolean;
  /**
   * Reads the state of a file without changing it.
   *
   * @throws {CannotCarry} if this very file cannot go on elsewhere
   */
  capture(stub: Stub, file: FoundFile, context: CaptureContext): Program<S>;
  /** Opens the file again, in the stub that starts the tree. Resolves to its descriptor there. */
  open(stub: Stub, state: S, context: RestoreContext): Program<number>;
  /** What can be done only once all files are open. Files are finished in the order in which they were opened. */
  finish?(stub: Stub, state: S, fd: number, context: RestoreContext): Program<void>;
  /**
   * Does what can be done only when all files are open and in a process that has this one: the first of
   * the image. Its memory is in place, its descriptors are not, so low numbers are free.
   *
   * @param fd the file, by a high number
   */
  settle?(stub: Stub, state: S, fd: number, context: SettleContext): Program<void>;
}

/** Something that a process uses cannot be carried to another kernel. */
export class CannotCarry extends Error {
  override readonly name = "CannotCarry";
}

/** What a message calls an open file. */
export function nameOf({ link, number, pid }: Pick<FoundFile, "link" | "number" | "pid">): string {
  return number < 0
    ? `${link}, which process ${pid} has mapped,`
    : `${link}, descriptor ${number} of process ${pid},`;
}

/** Device and inode number of a file: what it is known by, whatever its names are. */
export function identityOf({ device, inode }: Pick<FoundFile, "device" | "inode">): string {
  return `${device}:${inode}`;
}

/** File types of [inode(7)]. */
export const FILE_TYPE = {
  mask: 0o170000,
  socket: 0o140000,
  regular: 0o100000,
  directory: 0o040000,
  characterDevice: 0o020000,
  fifo: 0o010000,
} as const;

/** Whether a mode is that of a file type. */
export function isType(mode: number, type: keyof typeof FILE_TYPE): boolean {
  return (mode & FILE_TYPE.mask) === FILE_TYPE[type];
}
