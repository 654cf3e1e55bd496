/** Boots a guest once, in a machine of ours or in v86 as it comes, and tells how fast it ran. */
import { parentPort, workerData } from "node:worker_threads";
import { V86, type V86Options } from "v86";
import type { PcParts } from "../machine/pc.js";
import { localPc, runUntilPrinted, wallClock } from "./local-pc.js";
import type { SpeedTask } from "./speed.js";

const { parts, printed, bare } = workerData as SpeedTask;
parentPort?.postMessage(await (bare ? bareSpeed(parts) : ourSpeed(parts)));

/** Millions of instructions a second of a machine with our clock. */
async function ourSpeed(task: PcParts): Promise<number> {
  const pc = await localPc(task);
  const start = wallClock();
  const busyMs = await runUntilPrinted(pc, printed);
  const instructions = (busyMs * 1e6) / task.config.nsPerInstruction;
  return instructions / 1000 / (wallClock() - start);
}

/** The part of v86 that its public types leave out. */
interface MainLoop {
  readonly v86: { readonly cpu: { main_loop(): number } };
  get_instruction_counter(): number;
}

/**
 * Millions of instructions a second of v86 with its own loop, clock and compilation in the background.
 * What it sleeps while the guest halts does not count, since a machine of ours skips that.
 */
async function bareSpeed({ wasm, bios, vgaBios, linux, config }: PcParts): Promise<number> {
  const options = {
    wasm_fn: async (imports: WebAssembly.Imports) =>
      (await WebAssembly.instantiate(wasm, imports)).exports,
    memory_size: config.memoryBytes,
    vga_memory_size: 2 ** 20,
    bios: { buffer: Uint8Array.from(bios).buffer },
    vga_bios: { buffer: Uint8Array.from(vgaBios).buffer },
    bzimage: { buffer: linux?.kernel.slice().buffer },
    initrd: { buffer: linux?.initrd.slice().buffer },
    cmdline: linux?.commandLine,
    net_device: { type: "none" },
    disable_keyboard: true,
    disable_mouse: true,
    disable_speaker: true,
    autostart: false,
  };
  // The public types do not know a machine without a network card.
  const v86 = new V86(options as unknown as V86Options);
  await new Promise<void>((resolve) => {
    v86.add_listener("emulator-loaded", () => {
      resolve();
    });
  });

  const inside = v86 as unknown as MainLoop;
  const { cpu } = inside.v86;
  const mainLoop = cpu.main_loop.bind(cpu);
  let sleptMs = 0;
  let asleepSince = NaN;
  cpu.main_loop = () => {
    if (asleepSince > 0) sleptMs += wallClock() - asleepSince;
    const waitMs = mainLoop();
    asleepSince = waitMs >= 1 ? wallClock() : NaN;
    return waitMs;
  };

  let text = "";
  const start = wallClock();
  await new Promise<void>((resolve) => {
    v86.add_listener("serial0-output-byte", (byte: number) => {
      text += String.fromCharCode(byte);
      if (byte === 10 && printed.test(text.replaceAll("\r", ""))) resolve();
    });
    void v86.run();
  });
  return inside.get_instruction_counter() / 1000 / (wallClock() - start - sleptMs);
}
