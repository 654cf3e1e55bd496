/**
 * Sockets.
 *
 * References:
 * - [socket(7)]
 */
import type { Program } from "../../guest/gate.js";
import type { Stub } from "../../guest/stub-session.js";
import {
  CannotCarry,
  type CaptureContext,
  type FileKind,
  type FoundFile,
  isType,
  type RestoreContext,
} from "./file-kind.js";
import { inetSocket } from "./inet-socket.js";
import {
  getAddress,
  getNumber,
  QueueNotCarried,
  setNumber,
  SO_REUSEADDR,
  SOL_SOCKET,
} from "./socket-calls.js";
import { captureOptions, restoreOptions } from "./socket-options.js";
import type { FamilyState, SocketState } from "./socket-state.js";
import { unixSocket } from "./unix-socket.js";

/** What a family of sockets does in its own way. */
export interface SocketFamily {
  /**
   * @throws {CannotCarry} if this very socket cannot go on elsewhere
   * @throws {QueueNotCarried} if what waits in it cannot
   */
  capture(
    stub: Stub,
    file: FoundFile,
    socket: Omit<SocketState, keyof FamilyState>,
    context: CaptureContext,
  ): Program<FamilyState>;
  /** Makes the socket, and connects it with its other end if that is in the image. */
  open(stub: Stub, socket: SocketState, context: RestoreContext): Program<number>;
  /** Gives it its address, before any socket is finished. */
  bind(stub: Stub, socket: SocketState, fd: number, context: RestoreContext): Program<void>;
  finish(stub: Stub, socket: SocketState, fd: number, context: RestoreContext): Program<void>;
}

const SO_TYPE = 3;
const SO_PROTOCOL = 38;
const SO_DOMAIN = 39;
const F_SETFL = 4;
const FAMILIES: ReadonlyMap<number, SocketFamily> = new Map([
  [1, unixSocket],
  [2, inetSocket],
  [10, inetSocket],
]);
const UNBOUND = "sockets that have no address yet";

/** A socket. */
export const socket: FileKind<SocketState> = {
  kind: "socket",
  matches: ({ mode }) => isType(mode, "socket"),

  *capture(stub, file, context) {
    const { fd, link, flags, number, pid } = file;
    const what = `the socket of descriptor ${number} of process ${pid}`;
    const family = yield* getNumber(stub, fd, SOL_SOCKET, SO_DOMAIN);
    const type = yield* getNumber(stub, fd, SOL_SOCKET, SO_TYPE);
    const kind = FAMILIES.get(family);
    if (kind === undefined) throw new CannotCarry(`${what} is of the family ${family}`);
    const common = {
      kind: "socket" as const,
      name: link,
      family,
      type,
      protocol: yield* getNumber(stub, fd, SOL_SOCKET, SO_PROTOCOL),
      flags,
      options: yield* captureOptions(stub, fd, family, type),
      reuseAddress: (yield* getNumber(stub, fd, SOL_SOCKET, SO_REUSEADDR)) !== 0,
      address: yield* getAddress(stub, fd, "getsockname"),
      peerAddress: yield* getAddress(stub, fd, "getpeername"),
    };
    return yield* explained(what, function* () {
      return { ...common, ...(yield* kind.capture(stub, file, common, context)) };
    });
  },

  *open(stub, state, context) {
    const fd = yield* familyOf(state).open(stub, state, context);
    yield* restoreOptions(stub, fd, state.options);
    yield* stub.call("fcntl64", fd, F_SETFL, state.flags);
    unbound(context).push({ state, fd });
    return fd;
  },

  *finish(stub, state, fd, context) {
    // All are bound before the first is finished: who sends to another finds it.
    for (const each of unbound(context).splice(0)) {
      yield* familyOf(each.state).bind(stub, each.state, each.fd, context);
    }
    yield* explained(state.name, () => familyOf(state).finish(stub, state, fd, context));
    yield* setNumber(stub, fd, SOL_SOCKET, SO_REUSEADDR, state.reuseAddress ? 1 : 0);
  },
};

/** Says of which socket it is that what waits in it cannot be carried. */
function* explained<T>(what: string, work: () => Program<T>): Program<T> {
  try {
    return yield* work();
  } catch (error) {
    if (!(error instanceof QueueNotCarried)) throw error;
    throw new CannotCarry(`${what} ${error.message}`);
  }
}

function familyOf({ family }: SocketState): SocketFamily {
  const found = FAMILIES.get(family);
  if (found === undefined) throw new CannotCarry(`there are no sockets of the family ${family}`);
  return found;
}

function unbound({ shared }: RestoreContext): { state: SocketState; fd: number }[] {
  const list = shared.get(UNBOUND) ?? [];
  shared.set(UNBOUND, list);
  // Nobody else uses the name.
  return list as { state: SocketState; fd: number }[];
}
