import { describe, expect, test } from "vitest";
import type { MachineConfig } from "../../src/machine/config.js";
import {
  checkRestorable,
  checkWhole,
  type EmulatorIdentity,
  SnapshotError,
} from "../../src/storage/snapshot.js";
import { pagesOf } from "./arbitraries.js";
import { sampleConfig, sampleEmulator, sampleSnapshot } from "./sample-snapshot.js";

function refusal(config: MachineConfig, emulator: EmulatorIdentity = sampleEmulator): string {
  try {
    checkRestorable(sampleSnapshot, config, emulator);
  } catch (error) {
    if (error instanceof SnapshotError) return error.message;
    throw error;
  }
  return "";
}

describe("restoring into a machine", () => {
  test("works for one of the same configuration, however its fields are ordered", () => {
    const reordered = Object.fromEntries(Object.entries(sampleConfig).reverse());
    expect(refusal({ ...sampleConfig, ...reordered })).toBe("");
  });

  test("is refused with the name and both values of each field that differs", () => {
    const [system, home] = sampleConfig.disks;
    if (system === undefined || home === undefined) throw new Error("the sample has two disks");
    const config: MachineConfig = {
      ...sampleConfig,
      memoryBytes: 128 * 1024 * 1024,
      disks: [system, { ...home, name: "data" }],
    };
    expect(refusal(config, { ...sampleEmulator, version: "0.5.500" })).toBe(
      [
        "the snapshot is of another machine:",
        "  config.memoryBytes: 16777216 in the snapshot, 134217728 in this machine",
        '  config.disks.1.name: "home" in the snapshot, "data" in this machine',
        '  emulator.version: "0.5.462" in the snapshot, "0.5.500" in this machine',
        "Restore it into a machine made with the snapshot's own values, or take a new snapshot of this one.",
      ].join("\n"),
    );
  });

  test("is refused if one of them lacks a disk or a kernel", () => {
    expect(refusal({ ...sampleConfig, disks: sampleConfig.disks.slice(0, 1) })).toContain(
      'config.disks.1.name: "home" in the snapshot, absent in this machine',
    );
    const hash = "f".repeat(64);
    const boot = {
      from: "kernel",
      kernelSha256: hash,
      initrdSha256: hash,
      commandLine: "",
    } as const;
    expect(refusal({ ...sampleConfig, boot })).toContain(
      'config.boot.commandLine: absent in the snapshot, "" in this machine',
    );
  });

  test.each(Object.keys(sampleConfig))("looks at %s", (field) => {
    expect(refusal({ ...sampleConfig, [field]: "another" })).toContain(`config.${field}`);
  });
});

describe("a whole snapshot", () => {
  test("has pages that fit its machine", () => {
    checkWhole(sampleSnapshot);
    for (const part of [
      { ram: pagesOf(4095) },
      { disks: [pagesOf(8)] },
      { disks: [pagesOf(8), pagesOf(5)] },
      { disks: [pagesOf(8, [2, 1], [1, 1]), pagesOf(4)] },
    ]) {
      expect(() => {
        checkWhole({ ...sampleSnapshot, ...part });
      }).toThrow(SnapshotError);
    }
  });
});
