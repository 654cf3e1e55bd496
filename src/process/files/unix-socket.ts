/**
 * Unix sockets: pairs, connections, datagrams, and names in the file system and beside it.
 *
 * References:
 * - [unix(7)], [socketpair(2)]
 */
import type { Program } from "../../guest/gate.js";
import type { Stub } from "../../guest/stub-session.js";
import { type UnixPeer, unixPeers } from "../../guest/unix-peers.js";
import { CannotCarry, type CaptureContext, type RestoreContext } from "./file-kind.js";
import type { SocketFamily } from "./socket.js";
import {
  bytesWaiting,
  getNumber,
  type Message,
  peekMessages,
  pollNow,
  send,
  SOL_SOCKET,
} from "./socket-calls.js";
import {
  closedPeer,
  POLLIN,
  POLLRDHUP,
  SHUT_WR,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOCK_SEQPACKET,
  SOCK_STREAM,
  type SocketState,
} from "./socket-state.js";
import { bindUnix, connectNamed, fileOf, isNamed, showName } from "./unix-socket-name.js";

const AF_UNIX = 1;
const SO_ACCEPTCONN = 30;
/** The kernel does not tell how many may wait; it takes as many as its own limit allows. */
const BACKLOG = 4096;

/** Sockets of AF_UNIX. */
export const unixSocket: SocketFamily = {
  *capture(stub, file, { type, peerAddress, address }, context) {
    const { fd, link } = file;
    const what = `descriptor ${file.number} of process ${file.pid}, a Unix socket${showName(address)},`;
    const listens = (yield* getNumber(stub, fd, SOL_SOCKET, SO_ACCEPTCONN)) !== 0;
    if (listens && ((yield* pollNow(stub, fd, POLLIN)) & POLLIN) !== 0) {
      throw new CannotCarry(`${what} has connections that are not accepted yet`);
    }
    const peers = yield* peersOf(stub, context);
    const peer = peers.get(inodeOf(link)) ?? null;
    if (peer === "not accepted") {
      throw new CannotCarry(`${what} has a connection that is not accepted yet`);
    }
    const byAddress = type === SOCK_DGRAM && isNamed(peerAddress);
    const isOpen = typeof peer === "number" && !byAddress;
    if (isOpen && !context.files.some((each) => inodeOf(each.link) === peer)) {
      throw new CannotCarry(
        `${what} is connected with a process outside of the tree${showName(peerAddress)}`,
      );
    }
    if (isOpen && peers.get(peer) !== inodeOf(link)) {
      throw new CannotCarry(`${what} has a peer without a name that is connected elsewhere`);
    }
    const ended = ((yield* pollNow(stub, fd, POLLRDHUP)) & POLLRDHUP) !== 0;
    // Packets have no other end: once nobody sends any more, empty ones are read for ever.
    const isEndless = type === SOCK_SEQPACKET && ended && !listens;
    const total = isEndless ? yield* bytesWaiting(stub, fd) : Infinity;
    return {
      backlog: listens ? BACKLOG : null,
      peer: isOpen ? `socket:[${peer}]` : peer === "closed" ? closedPeer(link) : null,
      ended,
      messages: listens
        ? []
        : yield* peekMessages(stub, fd, { stream: type === SOCK_STREAM, total }),
      file: yield* fileOf(stub, fd),
    };
  },

  *open(stub, state, { shared }) {
    const { name, type, peer, address, peerAddress } = state;
    const made = shared.get(name);
    if (typeof made === "number") return made;
    if (peer === null) {
      const fd = yield* stub.call("socket", AF_UNIX, type | SOCK_CLOEXEC, 0);
      shared.set(name, fd);
      return fd;
    }
    const [own, other] =
      type !== SOCK_DGRAM && (isNamed(address) || isNamed(peerAddress))
        ? yield* connectNamed(stub, type, address, peerAddress)
        : yield* makePair(stub, type);
    shared.set(name, own);
    shared.set(peer, other);
    return own;
  },

  *bind(stub, { type, peer, address, backlog, file }, fd, { shared }) {
    const hasName = type !== SOCK_DGRAM && peer !== null;
    if (isNamed(address) && !hasName) {
      yield* bindUnix(stub, fd, address, file);
      shared.set(addressKey(address), fd);
    }
    if (backlog !== null) yield* stub.call("listen", fd, backlog);
  },

  *finish(stub, state, fd, context) {
    const { name, type, peer, ended, peerAddress } = state;
    const other = peer === null ? null : numberIn(context, peer);
    for (const message of state.messages) {
      yield* receive(stub, state, message, { other, context });
    }
    if (type === SOCK_DGRAM && peer === null && isNamed(peerAddress)) {
      const result = yield* stub.attempt("connect", fd, peerAddress, peerAddress.length);
      if (result < 0) {
        throw new CannotCarry(`there is no socket${showName(peerAddress)} here to connect with`);
      }
    }
    if (other === null) return;
    if (ended) yield* stub.call("shutdown", other, SHUT_WR);
    if (peer === closedPeer(name)) yield* stub.call("close", other);
  },
};

/** Puts a message into a socket's queue. */
function* receive(
  stub: Stub,
  { type, address }: SocketState,
  { data, from }: Message,
  { other, context }: { readonly other: number | null; readonly context: RestoreContext },
): Program<void> {
  const stream = type === SOCK_STREAM;
  if (type !== SOCK_DGRAM || other !== null) {
    if (other !== null) yield* send(stub, other, { stream, data });
    return;
  }
  const known = numberIn(context, addressKey(from));
  if (isNamed(from) && known === null) {
    throw new CannotCarry(
      `a message waits for the socket${showName(address)} whose sender${showName(from)} is not in the tree`,
    );
  }
  const sender = known ?? (yield* stub.call("socket", AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  yield* send(stub, sender, { stream, data, to: address });
  if (known === null) yield* stub.call("close", sender);
}

function* makePair(stub: Stub, type: number): Program<readonly [number, number]> {
  yield* stub.call("socketpair", AF_UNIX, type | SOCK_CLOEXEC, 0, stub.out);
  const view = stub.view(8);
  return [view.getInt32(0, true), view.getInt32(4, true)];
}

/** The peers of all Unix sockets, found once for a capture. */
function* peersOf(stub: Stub, { shared }: CaptureContext): Program<ReadonlyMap<number, UnixPeer>> {
  const key = "peers of Unix sockets";
  const peers = shared.get(key) ?? (yield* unixPeers(stub));
  shared.set(key, peers);
  // Nobody else uses the name.
  return peers as ReadonlyMap<number, UnixPeer>;
}

/** The inode number of a socket by the link to it in `/proc`; -1 for what is no socket. */
function inodeOf(link: string): number {
  return Number(/^socket:\[(\d+)\]$/.exec(link)?.[1] ?? -1);
}

function addressKey(address: Uint8Array): string {
  return `Unix socket at ${address.join(",")}`;
}

function numberIn({ shared }: RestoreContext, key: string): number | null {
  const found = shared.get(key);
  return typeof found === "number" ? found : null;
}
