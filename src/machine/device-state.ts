/**
 * The device state of a machine, as a snapshot holds it: v86's own state without RAM, after a JSON
 * object with what v86 leaves out. Layout: length of the JSON (u32, little-endian), the JSON in UTF-8,
 * v86's state to the end.
 */
import { z } from "zod";
import { MachineError } from "./errors.js";

const byte = z.int().min(0).max(255);

/** CPU and device state that v86 leaves out of its snapshots, or saves and does not restore. */
const forgottenSchema = z.strictObject({
  /** Result of the last arithmetic operation, from which flags are computed when they are needed. */
  lastResult: z.int32(),
  mxcsr: z.int32(),
  fpuStatusWord: z.int().min(0).max(0xffff),
  /** Bytes received and not yet read by the guest, by serial line. */
  input: z.array(z.array(byte)),
});

/** @see forgottenSchema */
export type Forgotten = Readonly<z.infer<typeof forgottenSchema>>;

/** Puts both parts together. */
export function packDevices(forgotten: Forgotten, emulator: Uint8Array): Uint8Array {
  const json = new TextEncoder().encode(JSON.stringify(forgotten));
  const packed = new Uint8Array(4 + json.length + emulator.length);
  new DataView(packed.buffer).setUint32(0, json.length, true);
  packed.set(json, 4);
  packed.set(emulator, 4 + json.length);
  return packed;
}

/**
 * Takes them apart; `emulator` is a view of `packed`.
 *
 * @throws {MachineError} if the bytes are no device state
 */
export function unpackDevices(packed: Uint8Array): { forgotten: Forgotten; emulator: Uint8Array } {
  try {
    const jsonBytes = new DataView(packed.buffer, packed.byteOffset, packed.length).getUint32(
      0,
      true,
    );
    const json = new TextDecoder("utf-8", { fatal: true }).decode(
      packed.subarray(4, 4 + jsonBytes),
    );
    const forgotten = forgottenSchema.parse(JSON.parse(json));
    return { forgotten, emulator: packed.subarray(4 + jsonBytes) };
  } catch (cause) {
    throw new MachineError("The snapshot's device state is damaged: take the snapshot anew.", {
      cause,
    });
  }
}
