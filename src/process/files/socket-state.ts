import { z } from "zod";
import { bytes } from "../bytes-schema.js";
import { socketOptionSchema } from "./socket-options.js";

/** A socket, of any family that can be carried. */
export const socketSchema = z.strictObject({
  kind: z.literal("socket"),
  /** What `/proc` calls it, and no other socket. */
  name: z.string(),
  /** As of [socket(2)]. */
  family: z.int(),
  type: z.int(),
  protocol: z.int(),
  /** As of [open(2)]. */
  flags: z.int(),
  options: z.array(socketOptionSchema),
  /** SO_REUSEADDR: it has to wait until all are bound. */
  reuseAddress: z.boolean(),
  /** Its own address, and that of its peer, each a `struct sockaddr`; empty if it has none. */
  address: bytes,
  peerAddress: bytes,
  /** How many connections may wait to be accepted; null if it does not listen. */
  backlog: z.int().min(0).nullable(),
  /** The socket at the other end, by its name; null if there is none, or it is found by its address. */
  peer: z.string().nullable(),
  /** Whether its peer sends no more. */
  ended: z.boolean(),
  /** What waits to be read; of a stream, in one piece. */
  messages: z.array(z.strictObject({ data: bytes, from: bytes })),
  /** For a Unix socket with a name in the file system: the file. */
  file: z
    .strictObject({
      path: z.string(),
      deleted: z.boolean(),
      inode: z.bigint(),
      changedNs: z.bigint(),
      permissions: z.int().min(0).max(0o7777),
      user: z.int().min(0),
      group: z.int().min(0),
    })
    .nullable(),
});

/** @see socketSchema */
export type SocketState = Readonly<z.infer<typeof socketSchema>>;

/** What differs between families of sockets. */
export type FamilyState = Pick<SocketState, "backlog" | "peer" | "ended" | "messages" | "file">;

/** Name of the other end of a socket whose other end is closed: it is made and closed again. */
export function closedPeer(name: string): string {
  return `closed peer of ${name}`;
}

/** Of [socket(2)]. */
export const SOCK_STREAM = 1;
/** Of [socket(2)]. */
export const SOCK_DGRAM = 2;
/** Of [socket(2)]. */
export const SOCK_SEQPACKET = 5;
/** Of [socket(2)]. */
export const SOCK_CLOEXEC = 0o2000000;
/** Of [shutdown(2)]. */
export const SHUT_WR = 1;
/** Of [poll(2)]. */
export const POLLIN = 1;
/** Of [poll(2)]. */
export const POLLRDHUP = 0x2000;
