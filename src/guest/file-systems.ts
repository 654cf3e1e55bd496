/**
 * File systems of a guest that are handed from one machine to another.
 *
 * References:
 * - [ioctl_fs] include/uapi/linux/fs.h of Linux: FIFREEZE, FITHAW, BLKFLSBUF
 * - [mount(2)], [syncfs(2)]
 * - [rcu] Documentation/admin-guide/kernel-parameters.txt of Linux: rcupdate.rcu_expedited, /sys/kernel/rcu_expedited
 */
import { SystemCallFailed } from "./errno.js";
import { writeFile } from "./files.js";
import type { Program } from "./gate.js";
import type { Stub } from "./stub-session.js";

const FIFREEZE = 0xc0045877;
const FITHAW = 0xc0045878;
const BLKFLSBUF = 0x1261;
const MS_NOATIME = 1024;
/** What the kernel says of a file system that is not frozen. */
const EINVAL = 22;

/** Where a file system lies and where it is mounted. */
export interface MountPoint {
  readonly device: string;
  readonly path: string;
  readonly type: string;
}

/** Writes what is not yet on its disk; nobody has to wait for that later. */
export function* flushFileSystem(stub: Stub, { path }: MountPoint): Program<void> {
  yield* onRoot(stub, path, (fd) => stub.call("syncfs", fd));
}

/** Brings a file system to its disk, whole, and lets nobody write to it until it is thawed. */
export function* freezeFileSystem(stub: Stub, { path }: MountPoint): Program<void> {
  yield* expedited(
    stub,
    onRoot(stub, path, (fd) => stub.call("ioctl", fd, FIFREEZE, 0)),
  );
}

/** The kernel waits for several grace periods of RCU in such work: 10 ms each, unless they are expedited. */
function* expedited(stub: Stub, work: Program<void>): Program<void> {
  yield* writeFile(stub, "/sys/kernel/rcu_expedited", "1");
  try {
    yield* work;
  } finally {
    yield* writeFile(stub, "/sys/kernel/rcu_expedited", "0");
  }
}

/** Lets a file system be written to again, if it is frozen. */
export function* thawFileSystem(stub: Stub, { path }: MountPoint): Program<void> {
  yield* onRoot(stub, path, function* (fd) {
    const result = yield* stub.attempt("ioctl", fd, FITHAW, 0);
    if (result < 0 && result !== -EINVAL) throw new SystemCallFailed(`FITHAW of ${path}`, -result);
    return 0;
  });
}

/** Mounts a file system whose disk has changed below the kernel. */
export function* mountFileSystem(stub: Stub, mount: MountPoint): Program<void> {
  yield* expedited(stub, mountChanged(stub, mount));
}

function* mountChanged(stub: Stub, { device, path, type }: MountPoint): Program<void> {
  yield* onRoot(stub, device, (fd) => stub.call("ioctl", fd, BLKFLSBUF, 0));
  yield* stub.call("mount", device, path, type, MS_NOATIME, 0);
}

function* onRoot(stub: Stub, path: string, work: (fd: number) => Program<number>): Program<void> {
  const fd = yield* stub.call("open", path, 0);
  try {
    yield* work(fd);
  } finally {
    yield* stub.attempt("close", fd);
  }
}
