/**
 * Which version of a file a program has mapped.
 *
 * References:
 * - [stat(2)]; `struct stat64` of i386
 */
import type { Program } from "../guest/gate.js";
import type { Stub } from "../guest/stub-session.js";

/** What tells whether a file is still the one that was mapped: its size and the time of its last change. */
export interface FileVersion {
  readonly size: number;
  readonly changedNs: bigint;
}

/** Whether a file that was mapped is still there, and the same. */
export function* isSameFile(
  stub: Stub,
  { path, size, changedNs }: FileVersion & { readonly path: string },
): Program<boolean> {
  if ((yield* stub.attempt("stat64", path, stub.out)) < 0) return false;
  const now = readVersion(stub);
  return now.size === size && now.changedNs === changedNs;
}

/**
 * Looks at which version of a file there is.
 *
 * @throws {SystemCallFailed} if there is none
 */
export function* fileVersion(stub: Stub, path: string): Program<FileVersion> {
  yield* stub.call("stat64", path, stub.out);
  return readVersion(stub);
}

/** What stat64 has just said of a file. */
function readVersion(stub: Stub): FileVersion {
  const view = stub.view(96);
  return {
    size: Number(view.getBigInt64(44, true)),
    changedNs: BigInt(view.getUint32(72, true)) * 1_000_000_000n + BigInt(view.getUint32(76, true)),
  };
}
