/**
 * Sockets of the internet. A TCP connection is carried if both its ends are: it is made anew between
 * the same addresses. A datagram whose sender has not come along is sent from the sender's address.
 *
 * References:
 * - [ip(7)], [tcp(7)] TCP_INFO, [udp(7)]; states of TCP by include/net/tcp_states.h
 */
import type { Program } from "../../guest/gate.js";
import type { Stub } from "../../guest/stub-session.js";
import { CannotCarry, type RestoreContext } from "./file-kind.js";
import { endpointOf, isAnywhere, loopbackOf, showEndpoint } from "./inet-address.js";
import type { SocketFamily } from "./socket.js";
import {
  getOption,
  type Message,
  peekMessages,
  send,
  setNumber,
  SO_REUSEADDR,
  SOL_SOCKET,
} from "./socket-calls.js";
import {
  closedPeer,
  type FamilyState,
  SHUT_WR,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOCK_STREAM,
} from "./socket-state.js";
import { findPeer, isAbandoned, peekReceived, peekUnread } from "./tcp-connection.js";

const IPPROTO_TCP = 6;
const IPPROTO_UDP = 17;
const TCP_INFO = 11;
const TCP_INFO_BYTES = 104;
const TCP = {
  established: 1,
  finWait1: 4,
  finWait2: 5,
  closed: 7,
  closeWait: 8,
  lastAck: 9,
  listening: 10,
  closing: 11,
} as const;
const CONNECTED: readonly number[] = [
  TCP.established,
  TCP.finWait1,
  TCP.finWait2,
  TCP.closeWait,
  TCP.lastAck,
  TCP.closing,
];
/** States in which the socket itself, or its peer, has said that it sends no more. */
const HAS_ENDED: readonly number[] = [TCP.finWait1, TCP.finWait2, TCP.lastAck, TCP.closing];
const PEER_HAS_ENDED: readonly number[] = [TCP.closeWait, TCP.lastAck, TCP.closing];
const NOTHING: FamilyState = {
  backlog: null,
  peer: null,
  ended: false,
  messages: [],
  file: null,
};

/** Sockets of AF_INET and AF_INET6. */
export const inetSocket: SocketFamily = {
  *capture(stub, file, socket, context) {
    const { fd } = file;
    const what = `descriptor ${file.number} of process ${file.pid}`;
    const { name, type, protocol, address, peerAddress } = socket;
    if (type === SOCK_DGRAM && protocol === IPPROTO_UDP) {
      return {
        ...NOTHING,
        messages: yield* peekMessages(stub, fd, { stream: false }),
      };
    }
    if (type !== SOCK_STREAM || protocol !== IPPROTO_TCP) {
      throw new CannotCarry(`${what} is a socket of protocol ${protocol}, neither TCP nor UDP`);
    }
    const { state, unacknowledged, selective } = yield* tcpInfo(stub, fd);
    if (state === TCP.closed) return NOTHING;
    if (state === TCP.listening) {
      // For a listening socket these are the connections that wait, and how many may.
      if (unacknowledged > 0) {
        throw new CannotCarry(`${what} listens at ${show(address)} and has connections waiting`);
      }
      return { ...NOTHING, backlog: selective };
    }
    if (!CONNECTED.includes(state)) {
      throw new CannotCarry(`${what} is a TCP socket that is being connected`);
    }
    const peer = yield* findPeer(stub, socket, context);
    if (peer === null && (yield* isAbandoned(stub, socket, context))) {
      const left = messagesOf(yield* peekReceived(stub, fd));
      return { ...NOTHING, peer: closedPeer(name), ended: true, messages: left };
    }
    if (peer === null) {
      throw new CannotCarry(
        `${what} is a TCP connection of ${show(address)} with ${show(peerAddress)}, which is not in the tree`,
      );
    }
    const hasEnded = HAS_ENDED.includes((yield* tcpInfo(stub, peer.fd)).state);
    const data = yield* peekUnread(stub, { receiver: fd, sender: peer.fd });
    return {
      ...NOTHING,
      peer: peer.link,
      ended: hasEnded || PEER_HAS_ENDED.includes(state),
      messages: messagesOf(data),
    };
  },

  *open(stub, state, { shared }) {
    const { name, family, type, peer, address, peerAddress } = state;
    const made = shared.get(name);
    if (typeof made === "number") return made;
    if (peer === null) return yield* makeSocket(stub, family, type);
    const [own, other] = yield* connect(stub, family, address, peerAddress);
    shared.set(name, own);
    shared.set(peer, other);
    return own;
  },

  *bind(stub, { type, peer, address, backlog }, fd, { shared }) {
    const endpoint = endpointOf(address);
    if (peer !== null || endpoint === null || endpoint.port === 0) return;
    yield* bindTo(stub, fd, address);
    if (backlog !== null) yield* stub.call("listen", fd, backlog);
    if (type === SOCK_DGRAM) shared.set(`UDP socket at ${showEndpoint(endpoint)}`, fd);
  },

  *finish(stub, { name, type, peer, ended, address, peerAddress, messages }, fd, context) {
    if (type === SOCK_DGRAM) {
      for (const message of messages) yield* receive(stub, address, message, context);
      if (peerAddress.length > 0) yield* stub.call("connect", fd, peerAddress, peerAddress.length);
      return;
    }
    if (peer === null) return;
    const other = context.shared.get(peer);
    if (typeof other !== "number") throw new TypeError(`${name} has lost its peer`);
    for (const { data } of messages) yield* send(stub, other, { stream: true, data });
    if (ended) yield* stub.call("shutdown", other, SHUT_WR);
    if (peer === closedPeer(name)) yield* stub.call("close", other);
  },
};

/** What a stream holds, as the messages of an image. */
function messagesOf(data: Uint8Array): Message[] {
  return data.length === 0 ? [] : [{ data, from: new Uint8Array(0) }];
}

function* tcpInfo(stub: Stub, fd: number) {
  const info = yield* getOption(stub, fd, IPPROTO_TCP, TCP_INFO, TCP_INFO_BYTES);
  if (info === null || info.length < 32) throw new CannotCarry("TCP does not tell its state");
  const view = new DataView(info.buffer, info.byteOffset);
  return {
    state: view.getUint8(0),
    unacknowledged: view.getUint32(24, true),
    selective: view.getUint32(28, true),
  };
}

/** A socket that can be bound beside others at the same port until all are. */
function* makeSocket(stub: Stub, family: number, type: number): Program<number> {
  const fd = yield* stub.call("socket", family, type | SOCK_CLOEXEC, 0);
  if (type === SOCK_STREAM) yield* setNumber(stub, fd, SOL_SOCKET, SO_REUSEADDR, 1);
  return fd;
}

/** Connects two addresses of this machine; resolves to both ends. */
function* connect(
  stub: Stub,
  family: number,
  address: Uint8Array,
  peerAddress: Uint8Array,
): Program<readonly [number, number]> {
  const listener = yield* makeSocket(stub, family, SOCK_STREAM);
  const other = yield* makeSocket(stub, family, SOCK_STREAM);
  yield* bindTo(stub, listener, address);
  yield* stub.call("listen", listener, 1);
  yield* bindTo(stub, other, peerAddress);
  yield* stub.call("connect", other, address, address.length);
  const own = yield* stub.call("accept4", listener, 0, 0, SOCK_CLOEXEC);
  yield* stub.call("close", listener);
  return [own, other];
}

function* bindTo(stub: Stub, fd: number, address: Uint8Array): Program<void> {
  const result = yield* stub.attempt("bind", fd, address, address.length);
  if (result < 0) {
    throw new CannotCarry(
      `a socket cannot have the address ${show(address)} here: error ${-result}`,
    );
  }
}

/** Puts a datagram into the queue of the socket at an address; one that nobody could have sent is lost. */
function* receive(
  stub: Stub,
  address: Uint8Array,
  { data, from }: Message,
  { shared }: RestoreContext,
): Program<void> {
  const sender = endpointOf(from);
  if (sender === null) return;
  const anywhere = { host: sender.host.map(() => 0), port: sender.port };
  const known =
    shared.get(`UDP socket at ${showEndpoint(sender)}`) ??
    shared.get(`UDP socket at ${showEndpoint(anywhere)}`);
  const to = loopbackOf(address);
  if (typeof known === "number") {
    yield* send(stub, known, { stream: false, data, to });
    return;
  }
  const family = new DataView(from.buffer, from.byteOffset).getUint16(0, true);
  const fd = yield* stub.call("socket", family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const bound = yield* stub.attempt("bind", fd, from, from.length);
  if (bound === 0 && !isAnywhere(sender)) yield* send(stub, fd, { stream: false, data, to });
  yield* stub.call("close", fd);
}

function show(address: Uint8Array): string {
  const endpoint = endpointOf(address);
  return endpoint === null ? "no address" : showEndpoint(endpoint);
}
