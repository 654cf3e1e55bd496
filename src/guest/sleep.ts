/**
 * References:
 * - [nanosleep(2)], [timespec(3type)]: two words of 32 bits on i386
 */
import type { Program } from "./gate.js";
import type { Stub } from "./stub-session.js";

/** Lets the guest's other programs run while the stub sleeps: `ns`, less than a second, in nanoseconds of the guest's time. */
export function* sleep(stub: Stub, ns: number): Program<void> {
  yield* stub.attempt("nanosleep", new Uint8Array(Int32Array.of(0, ns).buffer), 0);
}
