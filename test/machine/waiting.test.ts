import { createHash } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { kernelGuest } from "../../src/bench/kernel-guest.js";
import { after } from "../../src/clock/virtual-time.js";
import type { Machine } from "../../src/machine/machine.js";
import { type MachineParts, startMachine } from "../../src/node/start-machine.js";

/** So often, and each time so long in ns, does the guest wait. */
const WAITS = 200;
const WAIT_NS = 10_000;

/** A boot sector that waits by its time-stamp counter, one tick a ns, as a kernel's delay loop does. */
const BOOT_SECTOR = Uint8Array.from([
  ...[0xba, 0xf8, 0x03, 0xb0, 0x61, 0xee], // mov dx, 0x3f8; mov al, 'a'; out dx, al
  ...[0xb9, WAITS & 0xff, WAITS >> 8], // mov cx, WAITS
  ...[0x0f, 0x31, 0x66, 0x89, 0xc6], // wait: rdtsc; mov esi, eax
  ...[0x0f, 0x31, 0x66, 0x29, 0xf0], // look: rdtsc; sub eax, esi
  ...[0x66, 0x3d, WAIT_NS & 0xff, WAIT_NS >> 8, 0, 0], // cmp eax, WAIT_NS
  ...[0x72, 0xf3], // jb look
  ...[0xe2, 0xec], // loop wait
  ...[0xba, 0xf8, 0x03, 0xb0, 0x62, 0xee], // mov dx, 0x3f8; mov al, 'b'; out dx, al
  ...[0xfa, 0xf4, 0xeb, 0xfc], // cli; hlt; and again
]);

let machine: Machine;

beforeAll(async () => {
  const disk = new Uint8Array(2 ** 20);
  disk.set(BOOT_SECTOR);
  disk.set([0x55, 0xaa], 510);
  const sha256 = createHash("sha256").update(disk).digest("hex");
  const { bios, vgaBios, seed, epochMs }: Omit<MachineParts, "name" | "memoryBytes"> =
    await kernelGuest();
  machine = await startMachine({
    name: "waiting",
    memoryBytes: 64 << 20,
    bios,
    vgaBios,
    seed,
    epochMs,
    boot: { from: "disk" },
    disks: [{ name: "system", base: disk, sha256 }],
  });
});
afterAll(() => machine.dispose());

test("a guest that waits by its time-stamp counter waits about as long as it wants to", async () => {
  const heard: { readonly letter: string; readonly atMs: number }[] = [];
  machine.onOutput(({ bytes, atMs }) => {
    for (const byte of bytes) heard.push({ letter: String.fromCharCode(byte), atMs });
  });
  const limit = after(machine.now(), 5000);
  while (heard.length < 2 && machine.now() < limit) {
    await machine.run({ until: after(machine.now(), 1) });
  }
  expect(heard.map(({ letter }) => letter)).toEqual(["a", "b"]);
  const wanted = (WAITS * WAIT_NS) / 1e6;
  const waited = (heard[1]?.atMs ?? 0) - (heard[0]?.atMs ?? 0);
  expect(waited).toBeGreaterThanOrEqual(wanted);
  expect(waited).toBeLessThan(2 * wanted);
});
