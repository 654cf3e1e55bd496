/**
 * A moment at which programs can be stopped and carried: while a connection is being made, or waits to be
 * accepted, it belongs to no process that could take it along.
 */
import { listNumbers, readLink } from "../guest/files.js";
import type { Program } from "../guest/gate.js";
import type { Stub } from "../guest/stub-session.js";
import { isListening, isUnderWay, listTcp } from "./files/tcp-table.js";
import { freeze, type FrozenTree, type StoppedLast, thaw } from "./freeze.js";
import type { Selection } from "./select.js";

/** How often programs are let go on, and for how long in ns. */
const MOST_TRIES = 10;
const WHILE_NS = 500_000;
/** How often, and each time how long in ns, servers are given time to accept what waits for them. */
const MOST_WAITS = 20;
const ACCEPT_NS = 250_000;

/**
 * Stops processes as `freeze` does, at a calm moment. If a TCP connection is under way they go on for a moment, and
 * from then on those that accept connections are stopped last: once nobody is left who could connect,
 * they accept what waits. If no calm moment comes they are stopped nevertheless, for the capture to name what is
 * in its way.
 */
export function* freezeCalmly(
  stub: Stub,
  selections: readonly Selection[],
  own: number,
  kernelThreads: Set<number>,
): Program<FrozenTree> {
  let last: StoppedLast | null = null;
  for (let tries = 1; ; tries++) {
    const tree: FrozenTree = yield* freeze(stub, selections, own, kernelThreads, last);
    if (tries === MOST_TRIES || (yield* isCalm(stub))) return tree;
    last = { pids: yield* findServers(stub, tree), meanwhile: () => awaitCalm(stub) };
    yield* thaw(stub, tree.processes);
    yield* rest(stub, WHILE_NS);
  }
}

function* isCalm(stub: Stub): Program<boolean> {
  return !(yield* listTcp(stub)).some(isUnderWay);
}

function* awaitCalm(stub: Stub): Program<void> {
  for (let wait = 0; wait < MOST_WAITS && !(yield* isCalm(stub)); wait++) {
    yield* rest(stub, ACCEPT_NS);
  }
}

/** Process ids of those that can accept connections. */
function* findServers(stub: Stub, { processes }: FrozenTree): Program<ReadonlySet<number>> {
  const listening = (yield* listTcp(stub)).filter(isListening);
  const links = new Set(listening.map(({ inode }) => `socket:[${inode}]`));
  const servers = new Set<number>();
  for (const { summary } of processes) {
    const folder = `/proc/${summary.pid}/fd`;
    for (const number of yield* listNumbers(stub, folder)) {
      if (links.has(yield* readLink(stub, `${folder}/${number}`))) servers.add(summary.pid);
    }
  }
  return servers;
}

function* rest(stub: Stub, ns: number): Program<void> {
  yield* stub.attempt("nanosleep", new Uint8Array(Int32Array.of(0, ns).buffer), 0);
}
