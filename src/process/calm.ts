/**
 * A moment at which programs can be stopped and carried: while a connection is being made, or waits to be
 * accepted, it belongs to no process that could take it along.
 */
import { listNumbers, readLink } from "../guest/files.js";
import type { Program } from "../guest/gate.js";
import { sleep } from "../guest/sleep.js";
import type { Stub } from "../guest/stub-session.js";
import { isListening, isUnderWay, listTcp } from "./files/tcp-table.js";
import { type Foreknown, freeze, type FrozenTree, type StoppedLast, thaw } from "./freeze.js";
import { unlessGone } from "./pre-copy.js";
import type { Selection } from "./select.js";

/** How often programs are let go on, and for how long in ns. */
const MOST_TRIES = 10;
const WHILE_NS = 500_000;
/** How often, and each time how long in ns, servers are given time to accept what waits for them. */
const MOST_WAITS = 20;
const ACCEPT_NS = 250_000;

/** What is known before. */
interface Before extends Pick<Foreknown, "listed"> {
  /** Process ids of those that accept connections; see `findServers`. */
  readonly servers: ReadonlySet<number>;
}

/**
 * Stops processes as `freeze` does, at a calm moment. Those that accept connections are stopped last: once nobody
 * is left who could connect, they accept what waits. If a TCP connection is under way nevertheless, all go on for a
 * moment. If no calm moment comes they are stopped all the same, for the capture to name what is in its way.
 */
export function* freezeCalmly(
  stub: Stub,
  selections: readonly Selection[],
  own: number,
  kernelThreads: Set<number>,
  { listed, servers }: Before,
): Program<FrozenTree> {
  const after = (pids: ReadonlySet<number>): StoppedLast | null =>
    pids.size === 0 ? null : { pids, meanwhile: () => awaitCalm(stub) };
  let last = after(servers);
  for (let tries = 1; ; tries++) {
    const known = { listed: tries === 1 ? listed : null, last };
    const tree: FrozenTree = yield* freeze(stub, selections, own, kernelThreads, known);
    try {
      if (tries === MOST_TRIES || (yield* isCalm(stub))) return tree;
      const pids = tree.processes.map(({ summary }) => summary.pid);
      last = after(yield* findServers(stub, pids));
    } catch (error) {
      yield* thaw(stub, tree.processes);
      throw error;
    }
    yield* thaw(stub, tree.processes);
    yield* sleep(stub, WHILE_NS);
  }
}

function* isCalm(stub: Stub): Program<boolean> {
  return !(yield* listTcp(stub)).some(isUnderWay);
}

function* awaitCalm(stub: Stub): Program<void> {
  for (let wait = 0; wait < MOST_WAITS && !(yield* isCalm(stub)); wait++) {
    yield* sleep(stub, ACCEPT_NS);
  }
}

/** Process ids of those that can accept connections; what has ended is none of them. */
export function* findServers(stub: Stub, pids: readonly number[]): Program<ReadonlySet<number>> {
  const listening = (yield* listTcp(stub)).filter(isListening);
  const links = new Set(listening.map(({ inode }) => `socket:[${inode}]`));
  const servers = new Set<number>();
  if (links.size === 0) return servers;
  for (const pid of pids) if (yield* unlessGone(hasLink(stub, pid, links))) servers.add(pid);
  return servers;
}

function* hasLink(stub: Stub, pid: number, links: ReadonlySet<string>): Program<boolean> {
  const folder = `/proc/${pid}/fd`;
  for (const number of yield* listNumbers(stub, folder)) {
    if (links.has(yield* readLink(stub, `${folder}/${number}`))) return true;
  }
  return false;
}
