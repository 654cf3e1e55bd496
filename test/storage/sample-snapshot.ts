import { virtualMs } from "../../src/clock/virtual-time.js";
import type { MachineConfig } from "../../src/machine/config.js";
import type { EmulatorIdentity, Snapshot } from "../../src/storage/snapshot.js";
import { pagesOf, plain, text } from "./arbitraries.js";

const MEBIBYTE = 1024 * 1024;

export const sampleConfig: MachineConfig = {
  memoryBytes: 16 * MEBIBYTE,
  biosSha256: "a".repeat(64),
  vgaBiosSha256: "b".repeat(64),
  boot: { from: "disk" },
  disks: [
    { name: "system", bytes: 8 * 4096, baseSha256: "c".repeat(64) },
    { name: "home", bytes: 4 * 4096, baseSha256: "d".repeat(64) },
  ],
  nsPerInstruction: 10,
  seed: 42,
  epochMs: 1_700_000_000_000,
};

export const sampleEmulator: EmulatorIdentity = { version: "0.5.462", wasmSha256: "e".repeat(64) };

/** A small machine; a page content occurs in RAM and on a disk, and a block was overwritten with zeros. */
export const sampleSnapshot: Snapshot = {
  config: sampleConfig,
  emulator: sampleEmulator,
  clock: virtualMs(1234.5),
  randomState: 0xdeadbeef,
  devices: Uint8Array.from({ length: 300 }, (_, i) => (i * i) >>> 3),
  ram: pagesOf(4096, [0, 1], [7, 2], [4095, 1]),
  disks: [pagesOf(8, [1, 2], [2, 0]), pagesOf(4)],
};

/** A snapshot in a form that is compared fast. */
export function plainSnapshot({ devices, ram, disks, ...rest }: Snapshot) {
  return { ...rest, devices: text(devices), ram: plain(ram), disks: disks.map(plain) };
}
