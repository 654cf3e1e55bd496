/**
 * Names of Unix sockets: files, and names beside the file system.
 *
 * References:
 * - [unix(7)] `struct sockaddr_un`, abstract addresses; SIOCUNIXFILE since Linux 4.16: the file of a socket
 */
import { readLink } from "../../guest/files.js";
import type { Program } from "../../guest/gate.js";
import type { Stub } from "../../guest/stub-session.js";
import { CannotCarry, FILE_TYPE } from "./file-kind.js";
import { SOCK_CLOEXEC, type SocketState } from "./socket-state.js";

const AF_UNIX = 1;
const SIOCUNIXFILE = 0x89e0;
const AT_FDCWD = -100;
const DELETED = " (deleted)";
/** The address family stands before the name. */
const NAME_AT = 2;
const STAT64_BYTES = 96;

/** Whether an address is more than its family. */
export function isNamed(address: Uint8Array): boolean {
  return address.length > NAME_AT;
}

/** An address as messages show it, with a space before it; nothing if there is none. */
export function showName(address: Uint8Array): string {
  if (!isNamed(address)) return "";
  const name = pathOf(address);
  return ` ${name ?? `@${new TextDecoder().decode(address.subarray(NAME_AT + 1))}`}`;
}

/** The path in an address; null if it is no name in the file system. */
function pathOf(address: Uint8Array): string | null {
  const name = address.subarray(NAME_AT);
  if (name.length === 0 || name[0] === 0) return null;
  const end = name.indexOf(0);
  return new TextDecoder().decode(end < 0 ? name : name.subarray(0, end));
}

/** The file that a socket is bound to. */
export function* fileOf(stub: Stub, fd: number): Program<SocketState["file"]> {
  const file = yield* stub.attempt("ioctl", fd, SIOCUNIXFILE, 0);
  if (file < 0) return null;
  const link = yield* readLink(stub, `/proc/self/fd/${file}`);
  yield* stub.call("fstat64", file, stub.out);
  const status = parseStatus(stub.view(STAT64_BYTES));
  yield* stub.call("close", file);
  const deleted = link.endsWith(DELETED);
  const { mode, ...rest } = status;
  const path = deleted ? link.slice(0, -DELETED.length) : link;
  return { path, deleted, permissions: mode & 0o7777, ...rest };
}

function parseStatus(view: DataView) {
  return {
    mode: view.getUint32(16, true),
    user: view.getUint32(24, true),
    group: view.getUint32(28, true),
    inode: view.getBigUint64(88, true),
    changedNs: BigInt(view.getUint32(72, true)) * 1_000_000_000n + BigInt(view.getUint32(76, true)),
  };
}

/**
 * Binds a socket to the name that it had.
 *
 * @throws {CannotCarry} if the name is taken, by anything but what the socket itself has left behind
 */
export function* bindUnix(
  stub: Stub,
  fd: number,
  address: Uint8Array,
  file: SocketState["file"],
): Program<void> {
  if (file === null) {
    yield* bind(stub, fd, address);
    return;
  }
  const { path, deleted, permissions, user, group } = file;
  if ((yield* stub.attempt("lstat64", path, stub.out)) === 0) {
    const there = parseStatus(stub.view(STAT64_BYTES));
    const isSocket = (there.mode & FILE_TYPE.mask) === FILE_TYPE.socket;
    const isOwn = there.inode === file.inode && there.changedNs === file.changedNs;
    if (deleted || !isSocket || !isOwn) {
      throw new CannotCarry(`a socket was bound to ${path}, where something else is here`);
    }
    yield* stub.call("unlink", path);
  }
  // The name as it was given may be relative to a directory that the path shows.
  const given = pathOf(address) ?? path;
  const base = given.startsWith("/") ? "/" : path.slice(0, path.length - given.length);
  if (!path.endsWith(given)) throw new CannotCarry(`the socket ${given} lies at ${path}`);
  yield* stub.call("chdir", base);
  yield* bind(stub, fd, address);
  yield* stub.call("chdir", "/");
  yield* stub.call("fchownat", AT_FDCWD, path, user, group, 0);
  yield* stub.call("fchmodat", AT_FDCWD, path, permissions);
  if (deleted) yield* stub.call("unlink", path);
}

/**
 * Makes a connection whose ends have names: what listens, or has listened, at one of them is left as it is.
 *
 * @returns the end with the first address, and the other
 */
export function* connectNamed(
  stub: Stub,
  type: number,
  address: Uint8Array,
  peerAddress: Uint8Array,
): Program<readonly [number, number]> {
  if (!isNamed(address)) {
    const [other, own] = yield* connectNamed(stub, type, peerAddress, address);
    return [own, other];
  }
  const listener = yield* stub.call("socket", AF_UNIX, type | SOCK_CLOEXEC, 0);
  const client = yield* stub.call("socket", AF_UNIX, type | SOCK_CLOEXEC, 0);
  yield* whileFree(stub, address, function* () {
    yield* bind(stub, listener, address);
    yield* stub.call("listen", listener, 1);
    yield* stub.call("connect", client, address, address.length);
  });
  const own = yield* stub.call("accept4", listener, 0, 0, SOCK_CLOEXEC);
  yield* stub.call("close", listener);
  if (isNamed(peerAddress)) {
    yield* whileFree(stub, peerAddress, () => bind(stub, client, peerAddress));
  }
  return [own, client];
}

/** Does something while nothing is where a name shows; a file that was there is there again afterwards. */
function* whileFree(stub: Stub, address: Uint8Array, work: () => Program<void>): Program<void> {
  const path = pathOf(address);
  const aside = `${path ?? ""}.aside`;
  const moved = path !== null && (yield* stub.attempt("rename", path, aside)) === 0;
  try {
    yield* work();
  } finally {
    if (path !== null) yield* stub.attempt("unlink", path);
    if (moved) yield* stub.call("rename", aside, path);
  }
}

function* bind(stub: Stub, fd: number, address: Uint8Array): Program<void> {
  const result = yield* stub.attempt("bind", fd, address, address.length);
  if (result < 0) {
    throw new CannotCarry(
      `a socket cannot have the name${showName(address)} here: error ${-result}`,
    );
  }
}
