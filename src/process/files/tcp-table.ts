/**
 * The TCP sockets of a system, also those that no process has.
 *
 * References:
 * - [proc_pid_net(5)] /proc/net/tcp; states by include/net/tcp_states.h
 * - [tcp] net/ipv4/tcp_ipv4.c of Linux, get_tcp4_sock: what the columns are of a socket that listens
 */
import { readText } from "../../guest/files.js";
import { SystemCallFailed } from "../../guest/errno.js";
import type { Program } from "../../guest/gate.js";
import type { Stub } from "../../guest/stub-session.js";
import { type Endpoint, endpointAt } from "./inet-address.js";

/** A line of the table. */
export interface TcpEntry {
  readonly local: Endpoint;
  readonly remote: Endpoint;
  readonly state: number;
  /** Bytes that were not read; of a socket that listens, connections that were not accepted. */
  readonly received: number;
  /** 0 if no process has the socket. */
  readonly inode: number;
}

const SYN_SENT = 2;
const SYN_RECEIVED = 3;
const LISTENING = 10;
const TABLES = ["/proc/self/net/tcp", "/proc/self/net/tcp6"];
const LINE =
  /^\s*\d+: ([0-9A-F]+):([0-9A-F]{4}) ([0-9A-F]+):([0-9A-F]{4}) ([0-9A-F]{2}) [0-9A-F]{8}:([0-9A-F]{8}) \S+ \S+\s+\d+\s+\d+ (\d+)/;

/** Lists the TCP sockets of both families. */
export function* listTcp(stub: Stub): Program<TcpEntry[]> {
  const entries: TcpEntry[] = [];
  for (const path of TABLES) {
    try {
      entries.push(...parseTcp(yield* readText(stub, path)));
    } catch (error) {
      // A kernel may have no IPv6.
      if (!(error instanceof SystemCallFailed && error.is("ENOENT"))) throw error;
    }
  }
  return entries;
}

/** Reads one of the tables; lines that are none of it are left out. */
export function parseTcp(text: string): TcpEntry[] {
  return text.split("\n").flatMap((line) => {
    const found = LINE.exec(line);
    if (found === null) return [];
    const [, host = "", port = "", otherHost = "", otherPort = "", state = "", received = ""] =
      found;
    return [
      {
        local: endpointAt(hostBytes(host), parseInt(port, 16)),
        remote: endpointAt(hostBytes(otherHost), parseInt(otherPort, 16)),
        state: parseInt(state, 16),
        received: parseInt(received, 16),
        inode: Number(found[7]),
      },
    ];
  });
}

/** Whether a socket waits for others to connect. */
export function isListening({ state }: TcpEntry): boolean {
  return state === LISTENING;
}

/** Whether a connection is being made, or waits to be accepted: both pass if the programs go on. */
export function isUnderWay({ state, received }: TcpEntry): boolean {
  return state === SYN_SENT || state === SYN_RECEIVED || (state === LISTENING && received > 0);
}

/** Words as a little-endian machine shows its memory. */
function hostBytes(hex: string): number[] {
  const words = hex.match(/.{8}/g) ?? [];
  return words.flatMap((word) => {
    const value = parseInt(word, 16);
    return [value & 0xff, (value >>> 8) & 0xff, (value >>> 16) & 0xff, value >>> 24];
  });
}
