/**
 * Watches of inotify.
 *
 * References:
 * - [inotify(7)], [proc_pid_fdinfo(5)]: lines `inotify`, all numbers in hexadecimal
 * - [open_by_handle_at(2)], [proc_pid_mountinfo(5)]
 * - INOTIFY_IOC_SETNEXTWD, on kernels with CONFIG_CHECKPOINT_RESTORE
 */
import { z } from "zod";
import { SystemCallFailed } from "../../guest/errno.js";
import { readLink, readText } from "../../guest/files.js";
import type { Program } from "../../guest/gate.js";
import { ProcfsError } from "../../guest/procfs.js";
import type { Stub } from "../../guest/stub-session.js";
import { CannotCarry, type FileKind, type FoundFile, nameOf } from "./file-kind.js";

/** @see inotify */
export const inotifySchema = z.strictObject({
  kind: z.literal("inotify"),
  /** O_NONBLOCK or none. */
  flags: z.int(),
  /** Ascending by number. */
  watches: z.array(
    z.strictObject({
      number: z.int().min(1),
      path: z.string(),
      /** As of [inotify_add_watch(2)]. */
      mask: z.int(),
    }),
  ),
});
type Inotify = z.infer<typeof inotifySchema>;

/** A watch as the kernel tells of it. */
export interface InotifyWatch {
  readonly number: number;
  /** Major and minor number of the device of the file system. */
  readonly device: string;
  readonly mask: number;
  /** `struct file_handle`; null if the file system has no handles. */
  readonly handle: Uint8Array | null;
}

const O_NONBLOCK = 0o4000;
const O_DIRECTORY_CLOEXEC = 0o2200000;
const O_PATH_CLOEXEC = 0o12000000;
const FIONREAD = 0x541b;
const INOTIFY_IOC_SETNEXTWD = 0x40044900;
const IN_DONT_FOLLOW = 0x02000000;

/** An instance of inotify. */
export const inotify: FileKind<Inotify> = {
  kind: "inotify",
  matches: ({ link }) => link === "anon_inode:inotify",

  *capture(stub, file) {
    yield* stub.call("ioctl", file.fd, FIONREAD, stub.out);
    if (stub.view(4).getInt32(0, true) > 0) {
      throw new CannotCarry(`${nameOf(file)} has events that were not read yet; try again later`);
    }
    const watches: Inotify["watches"] = [];
    for (const watch of parseInotify(file.info.get("inotify wd") ?? [])) {
      const { number, mask } = watch;
      watches.push({ number, mask, path: yield* findPath(stub, file, watch) });
    }
    watches.sort((a, b) => a.number - b.number);
    return { kind: "inotify", flags: file.flags & O_NONBLOCK, watches };
  },

  *open(stub, { flags, watches }) {
    const fd = yield* stub.call("inotify_init1", flags);
    for (const { number, path, mask } of watches) {
      yield* stub.call("ioctl", fd, INOTIFY_IOC_SETNEXTWD, number);
      try {
        yield* stub.call("inotify_add_watch", fd, path, mask | IN_DONT_FOLLOW);
      } catch (error) {
        if (!(error instanceof SystemCallFailed && error.is("ENOENT", "ENOTDIR"))) throw error;
        throw new CannotCarry(`${path} is watched by inotify, and is not there after the update`);
      }
    }
    return fd;
  },
};

/** Parses the values of the lines `inotify wd` of an fdinfo. */
export function parseInotify(values: readonly string[]): InotifyWatch[] {
  return values.map((value) => {
    const found = /^([0-9a-f]{1,8}) ino:[0-9a-f]+ sdev:([0-9a-f]{1,8}) mask:([0-9a-f]{1,8})/.exec(
      value,
    );
    if (found === null) throw new ProcfsError(`no watch of inotify: "${value}"`);
    const [, number = "", sdev = "", mask = ""] = found;
    const device = parseInt(sdev, 16);
    return {
      number: parseInt(number, 16),
      device: `${device >>> 20}:${device & 0xfffff}`,
      mask: parseInt(mask, 16),
      handle: parseHandle(value),
    };
  });
}

function parseHandle(value: string): Uint8Array | null {
  const found =
    / fhandle-bytes:([0-9a-f]{1,2}) fhandle-type:([0-9a-f]{1,2}) f_handle:((?:[0-9a-f]{2})+)/.exec(
      value,
    );
  if (found === null) return null;
  const [, bytes = "", type = "", digits = ""] = found;
  const handle = new DataView(new ArrayBuffer(8 + digits.length / 2));
  if (parseInt(bytes, 16) !== digits.length / 2) return null;
  handle.setUint32(0, digits.length / 2, true);
  handle.setInt32(4, parseInt(type, 16), true);
  for (let at = 0; at < digits.length; at += 2) {
    handle.setUint8(8 + at / 2, parseInt(digits.slice(at, at + 2), 16));
  }
  return new Uint8Array(handle.buffer);
}

/** Where a file system is mounted, from `/proc/PID/mountinfo`; the root of it first, parts of it later. */
export function mountPoints(mountinfo: string, device: string): string[] {
  const mounts = mountinfo.split("\n").map((line) => line.split(" "));
  const its = mounts.filter((fields) => fields[2] === device);
  const wholes = its.filter((fields) => fields[3] === "/");
  const parts = its.filter((fields) => fields[3] !== "/");
  return [...wholes, ...parts].map((fields) =>
    // Space, tab, newline and backslash are written by their number in octal.
    (fields[4] ?? "").replace(/\\([0-7]{3})/g, (_, octal: string) =>
      String.fromCharCode(parseInt(octal, 8)),
    ),
  );
}

function* findPath(
  stub: Stub,
  file: FoundFile,
  { number, device, handle }: InotifyWatch,
): Program<string> {
  const mountinfo = yield* readText(stub, `/proc/${file.pid}/mountinfo`);
  for (const point of handle === null ? [] : mountPoints(mountinfo, device)) {
    const path = yield* openHandle(stub, point, handle ?? new Uint8Array(0));
    if (path !== null) return path;
  }
  throw new CannotCarry(`what ${nameOf(file)} watches as number ${number} cannot be found`);
}

/** The path of a file in the file system that is mounted at a point, or null. */
function* openHandle(stub: Stub, point: string, handle: Uint8Array): Program<string | null> {
  const mount = yield* stub.attempt("open", point, O_DIRECTORY_CLOEXEC);
  if (mount < 0) return null;
  const fd = yield* stub.attempt("open_by_handle_at", mount, handle, O_PATH_CLOEXEC);
  yield* stub.call("close", mount);
  if (fd < 0) return null;
  const path = yield* readLink(stub, `/proc/self/fd/${fd}`);
  yield* stub.call("close", fd);
  return path.startsWith("/") && !path.endsWith(" (deleted)") ? path : null;
}
