import { createHash } from "node:crypto";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { after } from "../../src/clock/virtual-time.js";
import { openConsole } from "../../src/machine/console.js";
import { packDevices, unpackDevices } from "../../src/machine/device-state.js";
import { MachineError } from "../../src/machine/errors.js";
import type { Machine } from "../../src/machine/machine.js";
import type { MachineState } from "../../src/machine/machine-state.js";
import { PAGE_SIZE, type SparsePages } from "../../src/storage/pages.js";
import { type Snapshot, SnapshotError } from "../../src/storage/snapshot.js";
import { bootedMachine, sh } from "./booted-machine.js";

let machine: Machine;
let fork: Machine;
let shell: Snapshot;

beforeAll(async () => {
  const booted = await bootedMachine("original");
  ({ machine, shell } = booted);
  fork = await booted.guest.startMachine("fork");
});
beforeEach(() => machine.restoreSnapshot(shell));
afterAll(async () => {
  await machine.dispose();
  await fork.dispose();
});

describe("a fork", () => {
  test("goes on where the original stood, and goes its own way", async () => {
    await sh(machine, "place=home; echo written before >/home/note");
    const now = machine.now();
    await fork.restore(await machine.capture());
    expect(fork.now()).toBe(now);

    await sh(fork, "place=abroad; echo written in the fork >/home/note; sync");
    expect(await sh(machine, "echo $place; cat /home/note")).toBe("home\nwritten before");
    expect(await sh(fork, "echo $place; cat /home/note")).toBe("abroad\nwritten in the fork");
  });

  test("is the same state: captured again, it is the same", async () => {
    await runInto(machine, "awk 'BEGIN { for (;;) x = x * 1.5 + 1 }'\n", 60);
    const state = await machine.capture();
    await fork.restore({ ...state });
    expect(meaning(await fork.capture())).toEqual(meaning(state));
  });

  test("a capture that was prepared is the same", async () => {
    const plain = await machine.capture();
    await machine.prepareCapture();
    const prepared = await machine.capture();
    expect(sha256(prepared.ram)).toBe(sha256(plain.ram));
  });
});

describe("nothing gets lost on the way", () => {
  test("of a computation that is taken out and put back in the midst of it", async () => {
    const work =
      "awk 'BEGIN { for (i = 0; i < 1500; i++) { x = (x * 69069 + i) % 65536; s += x / 7 }" +
      ' printf "%.6f %d\\n", s, x }\'; seq 300 | sha256sum';
    const undisturbed = await sh(machine, work);
    expect(undisturbed).toMatch(/^[\d.]+ \d+\n[0-9a-f]{64}/);

    let interruptions = 0;
    const console = openConsole(machine, 0, async () => {
      const { halted } = await machine.run({ until: after(machine.now(), 2.3) });
      if (halted) return;
      await machine.restore(await machine.capture());
      interruptions++;
    });
    await console.type(`${work}; echo 'th''e end'\n`);
    const wait = { withinMs: 10_000, what: "the end of the computation" };
    const { match } = await console.expect(/end'\n([^]*)\nthe end\n/, wait);
    console.close();
    expect(match[1]).toBe(undisturbed);
    expect(interruptions).toBeGreaterThan(10);
  });

  test("of what the guest has received and not yet read", async () => {
    const sent = Buffer.alloc(3000, "abcdefghijklmnopqrstuvwxyz");
    await runInto(machine, "stty raw -echo; head -c 3000 | sha256sum; stty sane\n", 100);
    await machine.send({ atMs: machine.now(), line: 0, bytes: sent, ifRead: false });
    await machine.step();

    const state = await machine.capture();
    expect(unpackDevices(state.devices).forgotten.input[0]?.length).toBeGreaterThan(0);
    await fork.restore(state);
    for (const each of [machine, fork]) {
      const console = openConsole(each, 0);
      await console.expect(new RegExp(sha256(sent)), { withinMs: 5000, what: "the checksum" });
      console.close();
    }
  });
});

describe("a state that is refused", () => {
  let good: MachineState;

  beforeEach(async () => {
    await runInto(machine, "while :; do :; done\n", 60);
    good = await machine.capture();
  });

  /** A machine that refused a state is as it was, and works. */
  afterEach(async () => {
    expect(machine.now()).toBe(good.clock);
    expect(meaning(await machine.capture())).toEqual(meaning(good));
    const console = openConsole(machine, 0);
    await console.type("\x03");
    await console.expect(/guest:.*#/, { withinMs: 1000, what: "a prompt" });
    console.close();
    expect(await sh(machine, "echo alive")).toBe("alive");
  });

  async function refused(state: Partial<MachineState>): Promise<void> {
    await expect(machine.restore({ ...good, ...state })).rejects.toThrow(MachineError);
  }

  test("for the size of its memory or its disks", async () => {
    await refused({ ram: new Uint8Array(PAGE_SIZE) });
    await refused({ disks: [] });
    const [system, home] = good.disks as [SparsePages, SparsePages];
    await refused({ disks: [home, system] });
    await refused({ disks: [system, { ...home, numbers: Uint32Array.of(9, 3) }] });
  });

  test("for device state that is damaged", async () => {
    const damagedAt = (damaged: number) => ({
      devices: good.devices.map((byte, offset) => (offset === damaged ? byte ^ 0xff : byte)),
    });
    const { emulator } = unpackDevices(good.devices);
    const start = good.devices.length - emulator.length;
    const ours = [0, 3, 5];
    const header = [0, 4, 12, 16].map((at) => start + at);
    for (const offset of [...ours, ...header]) await refused(damagedAt(offset));
    for (const length of [0, 4, start + 20, good.devices.length - 1]) {
      await refused({ devices: good.devices.slice(0, length) });
    }
  });

  test("in the midst of it, when the processor has been changed already", async () => {
    const { forgotten, emulator } = unpackDevices(good.devices);
    const broken = editState(emulator, (cpu) => {
      cpu[REGISTERS] = cpu[SEGMENTS];
      cpu[INTERRUPT_CONTROLLER] = null;
    });
    await refused({ devices: packDevices(forgotten, broken) });
  });
});

describe("a snapshot", () => {
  test("is refused by another machine, in words that name what differs", async () => {
    const restoreAs = (stamp: Partial<Snapshot>) => machine.restoreSnapshot({ ...shell, ...stamp });
    const { config, emulator } = shell;
    const attempts = [
      [{ config: { ...config, memoryBytes: 64 * 2 ** 20 } }, "config.memoryBytes: 67108864"],
      [{ config: { ...config, seed: 2 } }, "config.seed: 2 in the snapshot, 1 in this machine"],
      [{ config: { ...config, disks: config.disks.slice(0, 1) } }, "config.disks.1.name"],
      [{ emulator: { ...emulator, version: "0.5.999" } }, 'emulator.version: "0.5.999"'],
      [{ emulator: { ...emulator, wasmSha256: "00" } }, "emulator.wasmSha256"],
    ] as const;
    for (const [stamp, words] of attempts) {
      await expect(restoreAs(stamp)).rejects.toThrow(SnapshotError);
      await expect(restoreAs(stamp)).rejects.toThrow(words);
    }
    expect(await sh(machine, "echo alive")).toBe("alive");
  });
});

/** Types text and lets time pass. */
async function runInto(subject: Machine, text: string, ms: number): Promise<void> {
  const bytes = new TextEncoder().encode(text);
  await subject.send({ atMs: subject.now(), line: 0, bytes, ifRead: false });
  await subject.run({ until: after(subject.now(), ms) });
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** What of a captured state must survive. */
function meaning({ clock, randomState, devices, ram, disks }: MachineState) {
  const { forgotten, emulator } = unpackDevices(devices);
  const { description, buffers } = readState(emulator);
  const cpu = description.state;
  // A restore makes v86 forget where it stood in its translation of addresses.
  cpu[LAST_ADDRESS] = null;
  // The time-stamp counter moves by a nanosecond whenever it is looked at.
  const tsc = cpu[TIME_STAMP] as { buffer_id: number };
  buffers[tsc.buffer_id] = "time";
  const overlays = disks.map(({ numbers, data }) => [...numbers, sha256(data)].join(" "));
  return { clock, randomState, forgotten, cpu, buffers, ram: sha256(ram), overlays };
}

/** Where v86's state has these parts of the processor (src/cpu.js, `get_state`). */
const LAST_ADDRESS = 18;
const REGISTERS = 39;
const SEGMENTS = 40;
const TIME_STAMP = 43;
const INTERRUPT_CONTROLLER = 60;

interface Description {
  readonly state: unknown[];
  readonly buffer_infos: readonly { readonly offset: number; readonly length: number }[];
}

/** Takes v86's state apart: the length of its description stands at byte 12, its JSON at byte 16 (src/state.js). */
function readState(emulator: Uint8Array) {
  const length = new DataView(emulator.buffer, emulator.byteOffset).getUint32(12, true);
  const text = new TextDecoder().decode(emulator.subarray(16, 16 + length));
  // Written by the emulator that this test runs.
  const description = JSON.parse(text) as Description;
  const start = (16 + length + 3) & ~3;
  const buffers = description.buffer_infos.map(({ offset, length: bytes }) =>
    sha256(emulator.subarray(start + offset, start + offset + bytes)),
  );
  return { length, description, buffers };
}

/** v86's state with another description. */
function editState(emulator: Uint8Array, edit: (cpu: unknown[]) => void): Uint8Array {
  const { length, description } = readState(emulator);
  edit(description.state);
  const edited = emulator.slice();
  edited.set(new TextEncoder().encode(JSON.stringify(description).padEnd(length)), 16);
  return edited;
}
