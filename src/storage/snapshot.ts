import type { VirtualMs } from "../clock/virtual-time.js";
import type { MachineConfig } from "../machine/config.js";
import { checkPages, PAGE_SIZE, PagesError, type SparsePages } from "./pages.js";

/** Which emulator ran a machine. Device state means something only to the build that wrote it. */
export interface EmulatorIdentity {
  /** The version of the package. */
  readonly version: string;
  /** SHA-256 of its wasm, in hexadecimal. */
  readonly wasmSha256: string;
}

/** What a snapshot can be restored into. */
export interface SnapshotStamp {
  readonly config: MachineConfig;
  readonly emulator: EmulatorIdentity;
}

/** A machine at one moment: everything that decides what it does next. */
export interface Snapshot extends SnapshotStamp {
  /** The machine's clock when it was taken. */
  readonly clock: VirtualMs;
  /** State of the machine's source of randomness, an unsigned 32-bit number. */
  readonly randomState: number;
  /** State of the devices, opaque to this layer. */
  readonly devices: Uint8Array;
  /** Guest RAM; its `pageCount` is `memoryBytes / PAGE_SIZE`. */
  readonly ram: SparsePages;
  /** What was written on each of `config.disks`, in the same order. */
  readonly disks: readonly SparsePages[];
}

/** A snapshot that cannot be read, or cannot be restored where it was asked to be. */
export class SnapshotError extends Error {
  override readonly name = "SnapshotError";
}

/** The error for a snapshot file that is not as it was written: `what` says which part and how. */
export function damaged(what: string, cause?: unknown): SnapshotError {
  return new SnapshotError(
    `the snapshot is damaged: ${what}. Copy the file again, or save a new snapshot.`,
    { cause },
  );
}

/**
 * Checks that a machine made from `config` on `emulator` can go on from a snapshot.
 *
 * @throws {SnapshotError} naming every field that differs, with both values
 */
export function checkRestorable(
  snapshot: SnapshotStamp,
  config: MachineConfig,
  emulator: EmulatorIdentity,
): void {
  const taken = fieldsOf({ config: snapshot.config, emulator: snapshot.emulator });
  const wanted = fieldsOf({ config, emulator });
  const names = new Set([...taken.keys(), ...wanted.keys()]);
  const differences = [...names]
    .filter((name) => taken.get(name) !== wanted.get(name))
    .map(
      (name) =>
        `  ${name}: ${taken.get(name) ?? "absent"} in the snapshot, ${wanted.get(name) ?? "absent"} in this machine`,
    );
  if (differences.length === 0) return;
  throw new SnapshotError(
    `the snapshot is of another machine:\n${differences.join("\n")}\nRestore it into a machine made with the snapshot's own values, or take a new snapshot of this one.`,
  );
}

/**
 * Checks that the pages of a snapshot are those of a machine with its configuration.
 *
 * @throws {SnapshotError} if they are not
 */
export function checkWhole({ config, ram, disks }: Snapshot): void {
  if (disks.length !== config.disks.length) {
    throw new SnapshotError(
      `the snapshot has ${disks.length} disks, its machine has ${config.disks.length}`,
    );
  }
  checkPart("RAM", ram, config.memoryBytes);
  disks.forEach((disk, i) => {
    checkPart(`disk ${i}`, disk, config.disks[i]?.bytes ?? 0);
  });
}

function checkPart(name: string, pages: SparsePages, bytes: number): void {
  if (pages.pageCount * PAGE_SIZE !== bytes) {
    throw new SnapshotError(
      `${name} of the snapshot has ${pages.pageCount} pages, its machine has ${bytes} bytes there`,
    );
  }
  try {
    checkPages(pages);
  } catch (cause) {
    if (!(cause instanceof PagesError)) throw cause;
    throw new SnapshotError(`${name} of the snapshot is wrong: ${cause.message}`, { cause });
  }
}

/** Every value inside `value` as JSON, by its path: `config.disks.0.name`. */
function fieldsOf(value: object, path = ""): Map<string, string> {
  const fields = new Map<string, string>();
  for (const [key, inner] of Object.entries(value) as [string, unknown][]) {
    const name = path === "" ? key : `${path}.${key}`;
    if (typeof inner === "object" && inner !== null) {
      for (const [innerName, text] of fieldsOf(inner, name)) fields.set(innerName, text);
    } else {
      fields.set(name, JSON.stringify(inner));
    }
  }
  return fields;
}
