import { type VirtualMs, virtualMs } from "../clock/virtual-time.js";
import { checkRestorable, type EmulatorIdentity, type Snapshot } from "../storage/snapshot.js";
import { nonZeroPages, writePages } from "../storage/pages.js";
import { MachineDied, MachineError } from "./errors.js";
import type { MachineConfig } from "./config.js";
import type { MachineState } from "./machine-state.js";
import type { Pc, PcParts } from "./pc.js";
import type { RunRequest, RunResult } from "./run-loop.js";
import type { Output } from "./serial-line.js";
import { connect, giveAway, type Port, type Remote } from "./remote.js";

/** A worker that waits to become a machine. Whoever starts it owns it until a machine takes it over. */
export interface MachineWorker {
  readonly port: Port;
  /** Calls `listener` once when the worker has ended without being asked to, with what it died of. */
  onEnd(listener: (reason: string) => void): void;
  /** Ends the worker, whatever it does. */
  terminate(): Promise<void>;
}

/**
 * One emulated PC in a worker of its own. Time passes for it only in `run` and `step`; all calls are
 * carried out in order. Its owner must `dispose` it.
 *
 * All calls reject with MachineDied once the emulator has given up or the worker has ended, and with
 * MachineError for what the machine cannot do.
 */
export interface Machine extends Omit<Remote<Pc>, "powerOn"> {
  readonly name: string;
  readonly config: MachineConfig;
  readonly emulator: EmulatorIdentity;
  /** The machine's clock when it was last heard of. */
  now(): VirtualMs;
  /** Calls `listener` with all that the guest writes from now on; returns what ends that. */
  onOutput(listener: (output: Output) => void): () => void;
  /** Calls `listener` whenever the guest has reset the machine, with when; returns what ends that. */
  onReset(listener: (atMs: VirtualMs) => void): () => void;
  /** The machine as it is now, to be stored. */
  takeSnapshot(): Promise<Snapshot>;
  /**
   * Goes on from a snapshot.
   *
   * @throws {SnapshotError} if it was taken from a machine of another configuration or emulator
   */
  restoreSnapshot(snapshot: Snapshot): Promise<void>;
  /** Switches the machine off and ends its worker. It may be called again. */
  dispose(): Promise<void>;
}

/** Makes a machine of a worker and switches it on; the machine owns the worker from now on. */
export async function powerOnMachine(
  worker: MachineWorker,
  parts: PcParts,
  emulator: EmulatorIdentity,
): Promise<Machine> {
  const { name, config } = parts;
  const listeners = new Set<(output: Output) => void>();
  const resetListeners = new Set<(atMs: VirtualMs) => void>();
  let now = virtualMs(0);

  const connection = connect<Pc>(worker.port, ({ name: kind, message }) =>
    kind === "MachineDied"
      ? new MachineDied(name, message.replace(/^The machine .* died at .*? ms: /s, ""), now)
      : new MachineError(message),
  );
  const { remote } = connection;
  worker.onEnd((reason) => {
    connection.close(new MachineDied(name, reason, now));
  });

  function heard(result: RunResult): RunResult {
    now = result.now;
    for (const output of result.output) for (const listener of listeners) listener(output);
    for (const atMs of result.resets) for (const listener of resetListeners) listener(atMs);
    return result;
  }

  async function dispose(): Promise<void> {
    connection.close(new MachineDied(name, "it was switched off", now));
    await worker.terminate();
  }

  try {
    await remote.powerOn(parts);
  } catch (error) {
    await dispose();
    throw error;
  }

  async function restore(state: MachineState): Promise<void> {
    await remote.restore(state);
    now = state.clock;
  }

  return {
    // Spread would not find what a proxy makes up, so the plain calls are named.
    send: remote.send,
    serveDisk: remote.serveDisk,
    reset: remote.reset,
    screen: remote.screen,
    readMemory: remote.readMemory,
    writeMemory: remote.writeMemory,
    memorySha256: remote.memorySha256,
    prepareCapture: remote.prepareCapture,
    capture: remote.capture,
    askResident: remote.askResident,
    saveWhole: remote.saveWhole,
    diskOverlay: remote.diskOverlay,
    withholdDisk: remote.withholdDisk,
    withholdDiskAtReset: remote.withholdDiskAtReset,
    attachDisk: remote.attachDisk,
    inputs: remote.inputs,

    name,
    config,
    emulator,
    now: () => now,
    run: async (request: RunRequest) => heard(await remote.run(request)),
    step: async () => heard(await remote.step()),
    async stall(until) {
      if (until <= now) return;
      await remote.stall(until);
      now = until;
    },
    restore,
    onOutput(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    onReset(listener) {
      resetListeners.add(listener);
      return () => resetListeners.delete(listener);
    },
    async takeSnapshot() {
      const { clock, randomState, devices, ram, disks } = await remote.capture();
      return { config, emulator, clock, randomState, devices, ram: nonZeroPages(ram), disks };
    },
    async restoreSnapshot(snapshot) {
      checkRestorable(snapshot, config, emulator);
      const { clock, randomState, devices, disks } = snapshot;
      const ram = new Uint8Array(config.memoryBytes);
      writePages(ram, snapshot.ram);
      await restore(giveAway({ clock, randomState, devices, ram, disks }, [ram.buffer]));
    },
    dispose,
  };
}
