/**
 * Who is connected with whom among the Unix sockets of a guest.
 *
 * The kernel tells it only through a module (unix_diag) that few guests have. But it lists the addresses
 * of all these sockets, and each holds the address of its peer: where, a pair of our own shows.
 *
 * References:
 * - [unix(7)], [proc(5)] /proc/net/unix, /proc/sys/kernel/kptr_restrict
 * - [unix] include/net/af_unix.h of Linux: `struct unix_sock`, its member `peer`
 */
import { readText, writeFile } from "./files.js";
import type { Program } from "./gate.js";
import { NoMemory } from "./memory.js";
import type { Stub } from "./stub-session.js";

/** The other end of a Unix socket, by its inode number; or that it is closed, or not accepted yet, or was never there. */
export type UnixPeer = number | "closed" | "not accepted" | null;

const AF_UNIX = 1;
const SOCK_STREAM_CLOEXEC = 0o2000001;
const RESTRICTION = "/proc/sys/kernel/kptr_restrict";
/** With this, who has CAP_SYSLOG sees addresses as they are. */
const SHOWN_TO_ROOT = "1";
/** How far into a socket its peer is looked for, in bytes; on i386 the whole is smaller. */
const SOCKET_BYTES = 1024;

/**
 * Finds the peers of all Unix sockets of the stub's network namespace, by inode number.
 *
 * @throws {NoMemory} if the kernel's memory cannot be reached
 */
export function* unixPeers(stub: Stub): Program<ReadonlyMap<number, UnixPeer>> {
  yield* stub.call("socketpair", AF_UNIX, SOCK_STREAM_CLOEXEC, 0, stub.out);
  const view = stub.view(8);
  const pair = [view.getInt32(0, true), view.getInt32(4, true)] as const;
  try {
    const inodes = [yield* inodeOf(stub, pair[0]), yield* inodeOf(stub, pair[1])] as const;
    const inodeAt = yield* listSockets(stub);
    const offset = findPeerOffset(stub, inodeAt, inodes);
    const peers = new Map<number, UnixPeer>();
    for (const [address, inode] of inodeAt) {
      if (inode === 0) continue;
      const peer = readWord(stub, address + offset);
      const known = inodeAt.get(peer);
      // A socket that nobody has accepted has no inode yet.
      if (peer === 0) peers.set(inode, null);
      else peers.set(inode, known === undefined ? "closed" : known === 0 ? "not accepted" : known);
    }
    return peers;
  } finally {
    for (const fd of pair) yield* stub.attempt("close", fd);
  }
}

/** Inode numbers of all Unix sockets, by the addresses of their `struct sock`. */
function* listSockets(stub: Stub): Program<ReadonlyMap<number, number>> {
  const before = (yield* readText(stub, RESTRICTION)).trim();
  yield* writeFile(stub, RESTRICTION, SHOWN_TO_ROOT);
  try {
    const lines = (yield* readText(stub, "/proc/self/net/unix")).split("\n").slice(1);
    const fields = lines.map((line) => line.trim().split(/\s+/));
    return new Map(
      fields.flatMap(([address = "", , , , , , inode]) =>
        inode === undefined
          ? []
          : [[parseInt(address.replace(":", ""), 16), Number(inode)] as const],
      ),
    );
  } finally {
    yield* writeFile(stub, RESTRICTION, before);
  }
}

/** Where in a socket the address of its peer is: where each of a pair has the other's. */
function findPeerOffset(
  stub: Stub,
  inodeAt: ReadonlyMap<number, number>,
  pair: readonly [number, number],
): number {
  const [first, second] = pair.map(
    (wanted) => [...inodeAt].find(([, inode]) => inode === wanted)?.[0],
  );
  if (first === undefined || second === undefined) {
    throw new NoMemory("the kernel does not list a pair of Unix sockets that was just made");
  }
  for (let offset = 0; offset < SOCKET_BYTES; offset += 4) {
    const mutual =
      readWord(stub, first + offset) === second && readWord(stub, second + offset) === first;
    if (mutual) return offset;
  }
  throw new NoMemory("the kernel keeps the peers of Unix sockets where they are not found");
}

function readWord(stub: Stub, address: number): number {
  return new DataView(stub.memory.read(address, 4).buffer).getUint32(0, true);
}

function* inodeOf(stub: Stub, fd: number): Program<number> {
  yield* stub.call("fstat64", fd, stub.out);
  return Number(stub.view(96).getBigUint64(88, true));
}
