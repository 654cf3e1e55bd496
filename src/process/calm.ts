/**
 * A moment at which programs can be stopped and carried: while a connection is being made, or waits to be
 * accepted, it belongs to no process that could take it along.
 */
import type { Program } from "../guest/gate.js";
import type { Stub } from "../guest/stub-session.js";
import { isUnderWay, listTcp } from "./files/tcp-table.js";
import { freeze, type FrozenTree, thaw } from "./freeze.js";
import type { Selection } from "./select.js";

/** How often programs are let go on, and how long in ns the first time; each time it is as much longer. */
const MOST_TRIES = 10;
const WHILE_NS = 500_000;

/**
 * Stops processes as `freeze` does, at a calm moment: each time a TCP connection is under way they go on for
 * a moment. If no such moment comes they are stopped nevertheless, for the capture to name what is
 * in its way.
 */
export function* freezeCalmly(
  stub: Stub,
  selections: readonly Selection[],
  own: number,
  kernelThreads: Set<number>,
): Program<FrozenTree> {
  for (let tries = 1; ; tries++) {
    const tree = yield* freeze(stub, selections, own, kernelThreads);
    if (tries === MOST_TRIES || !(yield* listTcp(stub)).some(isUnderWay)) return tree;
    yield* thaw(stub, tree.processes);
    const pause = new Uint8Array(Int32Array.of(0, tries * WHILE_NS).buffer);
    yield* stub.attempt("nanosleep", pause, 0);
  }
}
