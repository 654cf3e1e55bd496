/**
 * Options of sockets.
 *
 * References:
 * - [socket(7)], [ip(7)], [ipv6(7)], [tcp(7)]; numbers are those of include/uapi/asm-generic/socket.h,
 *   include/uapi/linux/in.h, in6.h and tcp.h
 */
import { z } from "zod";
import { bytes } from "../bytes-schema.js";
import type { Program } from "../../guest/gate.js";
import type { Stub } from "../../guest/stub-session.js";
import { getOption, SOL_SOCKET, word } from "./socket-calls.js";

/** An option that a socket had. */
export const socketOptionSchema = z.strictObject({
  level: z.int(),
  option: z.int(),
  value: bytes,
});
type SocketOption = Readonly<z.infer<typeof socketOptionSchema>>;

const IPPROTO_IP = 0;
const IPPROTO_TCP = 6;
const IPPROTO_IPV6 = 41;
const AF_UNIX = 1;
const AF_INET6 = 10;
const SOCK_STREAM = 1;
const SO_SNDBUF = 7;
const SO_RCVBUF = 8;
const SO_SNDBUFFORCE = 32;
const SO_RCVBUFFORCE = 33;
const SO_BUF_LOCK = 72;
/** The longest value: names of interfaces and of congestion control. */
const MOST_BYTES = 16;

// In the order in which they are set: a size of a buffer may change others, and is locked by being set.
const GENERAL = [
  SO_SNDBUF,
  SO_RCVBUF,
  5, // SO_DONTROUTE
  6, // SO_BROADCAST
  9, // SO_KEEPALIVE
  10, // SO_OOBINLINE
  12, // SO_PRIORITY
  13, // SO_LINGER
  15, // SO_REUSEPORT
  16, // SO_PASSCRED
  18, // SO_RCVLOWAT
  20, // SO_RCVTIMEO
  21, // SO_SNDTIMEO
  25, // SO_BINDTODEVICE
  29, // SO_TIMESTAMP
  34, // SO_PASSSEC
  36, // SO_MARK
  40, // SO_RXQ_OVFL
  42, // SO_PEEK_OFF
  SO_BUF_LOCK,
];
const IP = [
  1, // IP_TOS
  2, // IP_TTL
  6, // IP_RECVOPTS
  8, // IP_PKTINFO
  10, // IP_MTU_DISCOVER
  11, // IP_RECVERR
  12, // IP_RECVTTL
  13, // IP_RECVTOS
  15, // IP_FREEBIND
  19, // IP_TRANSPARENT
  24, // IP_BIND_ADDRESS_NO_PORT
];
const IP_DATAGRAMS = [
  33, // IP_MULTICAST_TTL
  34, // IP_MULTICAST_LOOP
];
const IPV6 = [
  16, // IPV6_UNICAST_HOPS
  25, // IPV6_RECVERR
  26, // IPV6_V6ONLY
  49, // IPV6_RECVPKTINFO
  67, // IPV6_TCLASS
];
const IPV6_DATAGRAMS = [
  18, // IPV6_MULTICAST_HOPS
  19, // IPV6_MULTICAST_LOOP
];
const TCP = [
  1, // TCP_NODELAY
  3, // TCP_CORK
  4, // TCP_KEEPIDLE
  5, // TCP_KEEPINTVL
  6, // TCP_KEEPCNT
  7, // TCP_SYNCNT
  8, // TCP_LINGER2
  9, // TCP_DEFER_ACCEPT
  13, // TCP_CONGESTION
  18, // TCP_USER_TIMEOUT
  25, // TCP_NOTSENT_LOWAT
];

function optionsOf(family: number, type: number): (readonly [number, number])[] {
  const at = (level: number, options: readonly number[]) =>
    options.map((option) => [level, option] as const);
  const general = at(SOL_SOCKET, GENERAL);
  if (family === AF_UNIX) return general;
  const stream = type === SOCK_STREAM;
  const ip = at(IPPROTO_IP, stream ? IP : [...IP, ...IP_DATAGRAMS]);
  const ipv6 = at(IPPROTO_IPV6, stream ? IPV6 : [...IPV6, ...IPV6_DATAGRAMS]);
  const tcp = at(IPPROTO_TCP, stream ? TCP : []);
  return [...general, ...ip, ...(family === AF_INET6 ? ipv6 : []), ...tcp];
}

/** Reads the options of a socket, but for SO_REUSEADDR. */
export function* captureOptions(
  stub: Stub,
  fd: number,
  family: number,
  type: number,
): Program<SocketOption[]> {
  const options: SocketOption[] = [];
  for (const [level, option] of optionsOf(family, type)) {
    const value = yield* getOption(stub, fd, level, option, MOST_BYTES);
    if (value !== null) options.push({ level, option, value });
  }
  return options;
}

/** Sets options, where they are not so by themselves. */
export function* restoreOptions(
  stub: Stub,
  fd: number,
  options: readonly SocketOption[],
): Program<void> {
  for (const { level, option, value } of options) {
    const now = yield* getOption(stub, fd, level, option, MOST_BYTES);
    if (now !== null && equal(now, value)) continue;
    // Kernels before 5.14 have it not: a size is locked by being set.
    if (now === null && level === SOL_SOCKET && option === SO_BUF_LOCK) continue;
    const isBuffer = level === SOL_SOCKET && (option === SO_SNDBUF || option === SO_RCVBUF);
    if (isBuffer) {
      // The kernel doubles what it is given, and tells the double.
      const half = new DataView(value.buffer, value.byteOffset).getInt32(0, true) / 2;
      const force = option === SO_SNDBUF ? SO_SNDBUFFORCE : SO_RCVBUFFORCE;
      yield* stub.call("setsockopt", fd, level, force, word(half), 4);
    } else {
      yield* stub.call("setsockopt", fd, level, option, value, value.length);
    }
  }
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}
