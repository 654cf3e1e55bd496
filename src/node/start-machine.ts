import { createHash } from "node:crypto";
import { Worker } from "node:worker_threads";
import type { MachineConfig } from "../machine/config.js";
import type { LinuxImage } from "../machine/linux-boot.js";
import { type Machine, type MachineWorker, powerOnMachine } from "../machine/machine.js";
import type { PcParts } from "../machine/pc.js";
import { installedEmulator } from "./emulator.js";

/** A machine to be started, by content. */
export interface MachineParts {
  /** What errors and logs call it. */
  readonly name: string;
  readonly memoryBytes: number;
  readonly bios: Uint8Array;
  readonly vgaBios: Uint8Array;
  readonly boot: { readonly from: "disk" } | ({ readonly from: "kernel" } & LinuxImage);
  /** Base images; with a SharedArrayBuffer below them, machines share them. */
  readonly disks: readonly {
    readonly name: string;
    readonly base: Uint8Array;
    readonly sha256: string;
  }[];
  readonly seed: number;
  readonly epochMs: number;
}

/** Two nanoseconds an instruction: a processor of 500 million instructions a second. */
export const NS_PER_INSTRUCTION = 2;

/** The configuration that a machine of these parts is stamped with. */
export function machineConfig(parts: MachineParts): MachineConfig {
  const { memoryBytes, boot, disks, seed, epochMs } = parts;
  return {
    memoryBytes,
    biosSha256: sha256(parts.bios),
    vgaBiosSha256: sha256(parts.vgaBios),
    boot:
      boot.from === "disk"
        ? { from: "disk" }
        : {
            from: "kernel",
            kernelSha256: sha256(boot.kernel),
            initrdSha256: sha256(boot.initrd),
            commandLine: boot.commandLine,
          },
    disks: disks.map((disk) => ({
      name: disk.name,
      bytes: disk.base.length,
      baseSha256: disk.sha256,
    })),
    nsPerInstruction: NS_PER_INSTRUCTION,
    seed,
    epochMs,
  };
}

/** Starts a machine in a worker thread of its own; its clock stands at zero. The caller owns it. */
export async function startMachine(parts: MachineParts): Promise<Machine> {
  const { wasm, identity } = await installedEmulator();
  return powerOnMachine(startWorker(), pcParts(parts, wasm), identity);
}

/** What a machine of these parts is switched on with. */
export function pcParts(parts: MachineParts, wasm: WebAssembly.Module): PcParts {
  return {
    name: parts.name,
    config: machineConfig(parts),
    wasm,
    bios: parts.bios,
    vgaBios: parts.vgaBios,
    linux: parts.boot.from === "kernel" ? parts.boot : null,
    diskBases: parts.disks.map(({ base }) => base),
  };
}

/** Run from TypeScript sources, as the tests are, a worker has no loader for them until it registers one. */
const LOAD_FROM_SOURCE = `
  import("tsx/esm/api").then(({ register }) => {
    register();
    return import(require("node:worker_threads").workerData);
  });
`;

function startWorker(): MachineWorker {
  const worker = import.meta.url.endsWith(".ts")
    ? new Worker(LOAD_FROM_SOURCE, {
        eval: true,
        workerData: new URL("machine-worker.ts", import.meta.url).href,
      })
    : new Worker(new URL("machine-worker.js", import.meta.url));
  return {
    port: {
      post(message, transfer) {
        worker.postMessage(message, transfer);
      },
      listen(listener) {
        worker.on("message", listener);
      },
    },
    onEnd(listener) {
      worker.once("error", (error) => {
        listener(error.message);
      });
      worker.once("exit", () => {
        listener("its worker ended");
      });
    },
    async terminate() {
      await worker.terminate();
    },
  };
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
