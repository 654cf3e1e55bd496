import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { V86, type V86Options } from "v86";
import { installedEmulator } from "../../src/node/emulator.js";
import type { V86Internals } from "../../src/machine/v86.js";
import { INSTRUCTIONS_PER_TURN, LAYOUT } from "../../src/machine/v86-wasm.js";

/** Views of the WebAssembly memory that v86 keeps itself. */
type Views = Readonly<Record<string, { readonly byteOffset: number; readonly byteLength: number }>>;

/**
 * What src/machine/v86.ts and v86-wasm.ts take for granted of the inside of v86. When a new version breaks one of
 * these, machines may go wrong in silence: read these files against the new sources.
 */
describe("the pinned v86 is inside what it is taken for", () => {
  let v86: V86;
  let inside: V86Internals;
  let imports: Record<string, unknown>;
  let exports: Record<string, unknown>;

  beforeAll(async () => {
    const { wasm } = await installedEmulator();
    v86 = new V86({
      wasm_fn: async (given: WebAssembly.Imports) => {
        imports = given.env ?? {};
        ({ exports } = await WebAssembly.instantiate(wasm, given));
        return exports;
      },
      memory_size: 16 * 2 ** 20,
      bios: { buffer: firmware() },
      uart1: true,
      net_device: { type: "none" },
      autostart: false,
    } as unknown as V86Options);
    await new Promise<void>((resolve) => {
      v86.add_listener("emulator-loaded", () => {
        resolve();
      });
    });
    inside = v86 as unknown as V86Internals;
  });
  afterAll(() => v86.destroy());

  test("the version is the one that this was checked against", async () => {
    const { identity } = await installedEmulator();
    expect(identity.version).toBe("0.5.462+g5f9a90f");
  });

  test("it imports what is replaced", () => {
    for (const name of [
      "run_hardware_timers",
      "microtick",
      "get_rand_int",
      "stop_idling",
      "console_log_from_wasm",
    ]) {
      expect(imports[name], name).toBeTypeOf("function");
    }
  });

  test("it exports what is called or replaced", () => {
    expect(exports.memory).toBeInstanceOf(WebAssembly.Memory);
    for (const name of [
      "main_loop",
      "allocate_memory",
      "is_memory_zeroed",
      "zero_memory",
      "store_current_tsc",
      "set_tsc",
    ]) {
      expect(exports[name], name).toBeTypeOf("function");
    }
  });

  test("its memory is laid out as expected", () => {
    const views = inside.v86.cpu as unknown as Views;
    const layout = {
      registers: views.reg32?.byteOffset,
      lastResult: views.last_result?.byteOffset,
      controlRegisters: views.cr?.byteOffset,
      inHlt: views.in_hlt?.byteOffset,
      instructionCounter: views.instruction_counter?.byteOffset,
      mxcsr: views.mxcsr?.byteOffset,
      currentTsc: views.current_tsc?.byteOffset,
      fpuStatusWord: views.fpu_status_word?.byteOffset,
    };
    expect(layout).toEqual(LAYOUT);
    expect(views.mem8?.byteLength).toBe(16 * 2 ** 20);
  });

  test("it has the internals that are used", () => {
    const { cpu } = inside.v86;
    expect(cpu).toHaveProperty("reboot_internal", expect.any(Function));
    expect(cpu.devices.uart0?.input).toEqual([]);
    expect(cpu.devices.uart1?.input).toEqual([]);
    v86.serial_send_bytes(0, Uint8Array.of(65, 66));
    expect(cpu.devices.uart0?.input).toEqual([65, 66]);
    expect(inside.screen_adapter.get_text_screen()).toBeInstanceOf(Array);
  });

  test("one call of its main loop is a frame of turns, and the instruction counter moves", () => {
    const counter = new Uint32Array(
      (exports.memory as WebAssembly.Memory).buffer,
      LAYOUT.instructionCounter,
      1,
    );
    const before = counter[0] ?? 0;
    (exports.main_loop as () => number)();
    expect((counter[0] ?? 0) - before).toBeGreaterThanOrEqual(INSTRUCTIONS_PER_TURN);
  });
});

/** A firmware that jumps to itself where the processor starts, 16 bytes below its end. */
function firmware(): ArrayBuffer {
  const bios = new Uint8Array(65536);
  bios.set([0xeb, 0xfe], bios.length - 16);
  return bios.buffer;
}
