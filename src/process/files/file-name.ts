import { SystemCallFailed } from "../../guest/errno.js";
import { listDirectory } from "../../guest/files.js";
import type { Program } from "../../guest/gate.js";
import type { Stub } from "../../guest/stub-session.js";
import { CannotCarry, type FoundFile, identityOf, nameOf } from "./file-kind.js";

const STAT64_BYTES = 96;
const STATFS64_BYTES = 84;

/** What [fstat(2)] and [fstatfs(2)] tell of a descriptor of the stub. */
export function* fileStatus(stub: Stub, fd: number) {
  yield* stub.call("fstat64", fd, stub.out);
  const status = statusIn(stub.view(STAT64_BYTES));
  const told = yield* stub.attempt("fstatfs64", fd, STATFS64_BYTES, stub.out);
  return { ...status, fileSystem: told === 0 ? stub.view(4).getUint32(0, true) : 0 };
}

/**
 * Makes sure that an open file can be opened again by its name.
 *
 * @throws {CannotCarry} if its name is gone, or is now that of another file
 */
export function* requireName(stub: Stub, file: FoundFile): Program<void> {
  const result = yield* stub.attempt("stat64", file.link, stub.out);
  if (result === 0 && identityOf(statusIn(stub.view(STAT64_BYTES))) === identityOf(file)) return;
  throw new CannotCarry(`${nameOf(file)} cannot be opened again: no such file has that name now`);
}

/** Another name of a file whose name is gone, in the same directory; null if it has none there. */
export function* nameBeside(
  stub: Stub,
  path: string,
  file: Pick<FoundFile, "device" | "inode" | "links">,
): Program<string | null> {
  if (file.links === 0) return null;
  const directory = path.slice(0, path.lastIndexOf("/") + 1);
  for (const name of yield* listDirectory(stub, directory)) {
    const found = yield* stub.attempt("lstat64", directory + name, stub.out);
    if (found !== 0) continue;
    if (identityOf(statusIn(stub.view(STAT64_BYTES))) === identityOf(file)) return directory + name;
  }
  return null;
}

/**
 * Opens a file that a process had open.
 *
 * @throws {CannotCarry} if it is not there
 */
export function* openByName(stub: Stub, path: string, flags: number): Program<number> {
  try {
    return yield* stub.call("open", path, flags);
  } catch (error) {
    if (!(error instanceof SystemCallFailed && error.is("ENOENT", "ENOTDIR", "ENXIO"))) throw error;
    throw new CannotCarry(`${path} was open, and is not there after the update`, { cause: error });
  }
}

/** Fields of `struct stat64`. */
function statusIn(view: DataView) {
  return {
    mode: view.getUint32(16, true),
    device: Number(view.getBigUint64(0, true)),
    inode: Number(view.getBigUint64(88, true)),
    specialDevice: Number(view.getBigUint64(32, true)),
    uid: view.getUint32(24, true),
    gid: view.getUint32(28, true),
    size: Number(view.getBigInt64(44, true)),
    changedNs: BigInt(view.getUint32(72, true)) * 1_000_000_000n + BigInt(view.getUint32(76, true)),
    links: view.getUint32(20, true),
  };
}
