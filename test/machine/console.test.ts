import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { after } from "../../src/clock/virtual-time.js";
import { type Console, openConsole } from "../../src/machine/console.js";
import { MachineError, WaitExpired } from "../../src/machine/errors.js";
import type { Machine } from "../../src/machine/machine.js";
import type { Output } from "../../src/machine/serial-line.js";
import { runCommand } from "../../src/reboot/vm.js";
import type { Snapshot } from "../../src/storage/snapshot.js";
import { bootedMachine, sh } from "./booted-machine.js";

let machine: Machine;
let shell: Snapshot;
let console: Console;

beforeAll(async () => {
  ({ machine, shell } = await bootedMachine());
});
beforeEach(async () => {
  await machine.restoreSnapshot(shell);
  console = openConsole(machine, 0);
});
afterEach(() => {
  console.close();
});
afterAll(() => machine.dispose());

const SOON = { withinMs: 2000, what: "an answer" };

test("a user types a command and reads the answer", async () => {
  await console.type("echo $((6 * 7))\n");
  const { match, atMs } = await console.expect(/^(\d+)\n/m, SOON);
  expect(match[1]).toBe("42");
  expect(atMs).toBeLessThanOrEqual(machine.now());
});

test("text is found whole though it came in pieces, and its time is that of the last one", async () => {
  await console.type("printf on; sleep 0.1; echo e; sleep 0.1; echo two\n");
  await console.expect(/echo two\n/, SOON);
  const started = machine.now();
  const { atMs } = await console.expect(/^one\n/m, SOON);
  expect(atMs - started).toBeGreaterThan(70);
  expect(atMs - started).toBeLessThan(150);
});

test("what was found is gone, what came after it is kept", async () => {
  await console.type("echo a; echo b; echo c\n");
  await console.expect(/^b\n/m, SOON);
  await expect(console.expect(/^a\n/m, { withinMs: 50, what: "a" })).rejects.toThrow(WaitExpired);
  await console.expect(/^c\n/m, SOON);
});

test("a command whose output does not end with a newline has ended all the same", async () => {
  const command = "echo a; printf hello; (exit 3)";
  expect(await runCommand({ console, machine }, command, 2000)).toMatchObject({
    ...{ output: "a\nhello", status: 3 },
  });
  expect(await sh(machine, "echo $((6 * 7))")).toBe("42");
});

test("colours and carriage returns are no text", async () => {
  await console.type("printf '<\\033[1;31mred\\033[0m>\\r\\n'\n");
  await console.expect(/^<red>\n/m, SOON);
});

test("a wait that expires says what it waited for and what came instead", async () => {
  await console.type("echo 'nothing to see'\n");
  const start = machine.now();
  const wait = console.expect(/login:/, { withinMs: 300, what: "a login prompt" });
  await expect(wait).rejects.toThrow(WaitExpired);
  await expect(wait).rejects.toThrow(
    /"tested": waited 300 ms of virtual time for a login prompt.*nothing to see/s,
  );
  expect(machine.now()).toBe(after(start, 300));
});

test("a closed console hears nothing", async () => {
  console.close();
  await console.type("echo hello\n");
  await machine.run({ until: after(machine.now(), 200) });
  expect(console.unread()).toBe("");
});

test("typed text arrives at its moment", async () => {
  const heard: Output[] = [];
  const close = machine.onOutput((output) => heard.push(output));
  const atMs = after(machine.now(), 123);
  await machine.send({ atMs, line: 0, bytes: new TextEncoder().encode("x"), ifRead: false });
  await machine.run({ until: after(atMs, 20) });
  close();
  expect(heard[0]?.atMs).toBeGreaterThanOrEqual(atMs);
  expect(heard[0]?.atMs).toBeLessThan(atMs + 1);
});

test("the second serial line is another terminal", async () => {
  const second = openConsole(machine, 1);
  await second.type("ping 7\n");
  expect((await second.expect(/.*\n/, SOON)).match[0]).toBe("pong 7\n");
  second.close();
  expect(console.unread()).toBe("");
});

test("a request is lost when the guest has not read what came before, but not beside another", async () => {
  const second = openConsole(machine, 1);
  const send = (text: string, inMs: number, ifRead: boolean) =>
    machine.send({
      atMs: after(machine.now(), inMs),
      line: 1,
      bytes: new TextEncoder().encode(`${text}\n`),
      ifRead,
    });
  await send("a lot to read ".repeat(300), 0, false);
  await send("ping 1", 1, true);
  await second.expect(/^unknown\n/, SOON);
  await send("kernel", 0, false);
  await send("ping 2", 0, true);
  const { match } = await second.expect(/^kernel .*\n(pong.*)\n/, SOON);
  expect(match[1]).toBe("pong 2");
  second.close();
});

test("the screen shows text", async () => {
  await sh(machine, "printf '\\033[2J\\033[Hon the screen' >/dev/tty0");
  const rows = await machine.screen();
  expect(rows).toHaveLength(25);
  expect(rows[0]?.trimEnd()).toBe("on the screen");
});

test("memory can be read and changed under the guest", async () => {
  await sh(machine, "secret=kilo; secret=$secret-india-november-golf");
  const memory = Buffer.from(await machine.readMemory(0, machine.config.memoryBytes));
  const found = "kilo-india-november-golf";
  let address = memory.indexOf(found);
  expect(address).toBeGreaterThan(0);
  for (; address >= 0; address = memory.indexOf(found, address + 1)) {
    await machine.writeMemory(address, new TextEncoder().encode("kilo-quebec-uniform-echo"));
  }
  expect(await sh(machine, "echo $secret")).toBe("kilo-quebec-uniform-echo");
});

test("there is no memory outside of RAM", async () => {
  const end = machine.config.memoryBytes;
  const byte = Uint8Array.of(1);
  for (const [address, length] of [
    [-1, 4],
    [end - 3, 4],
    [end, 1],
    [0.5, 1],
    [0, -1],
    [0, NaN],
  ] as const) {
    const read = machine.readMemory(address, length);
    await expect(read).rejects.toThrow(MachineError);
    await expect(read).rejects.toThrow(/RAM ends at 0x8000000/);
  }
  await expect(machine.writeMemory(end, byte)).rejects.toThrow(MachineError);
  await expect(machine.writeMemory(-1, byte)).rejects.toThrow(MachineError);
  await machine.writeMemory(end - 1, byte);
  expect(await machine.readMemory(end - 1, 1)).toEqual(byte);
});
