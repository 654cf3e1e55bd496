import { expect, test } from "vitest";
import { after, virtualMs } from "../../src/clock/virtual-time.js";
import type { Machine } from "../../src/machine/machine.js";
import { replay } from "../../src/machine/replay.js";
import type { SparsePages } from "../../src/storage/pages.js";
import { bootedMachine } from "./booted-machine.js";

test("a recorded session, replayed in a second machine, ends in the same bits", async () => {
  const { guest, machine: first, shell } = await bootedMachine("first");
  await first.dispose();

  const recorded = await guest.startMachine("recorded");
  await recorded.restoreSnapshot(shell);
  const start = recorded.now();
  const [, home] = shell.disks as [SparsePages, SparsePages];
  const pass = (ms: number) => recorded.run({ until: virtualMs(recorded.now() + ms) });

  await type(recorded, "while :; do n=$((n + 1)); done & sleep 0.1; echo $n >/home/n\n");
  await pass(33.3);
  await recorded.stall(after(recorded.now(), 12.345678));
  await pass(100);
  await type(recorded, "\x03kill %1; sync\n");
  await recorded.send({
    atMs: after(recorded.now(), 5.5),
    line: 1,
    bytes: bytesOf("ping 1\n"),
    ifRead: true,
  });
  await pass(150);
  await recorded.writeMemory(0x9_0000, bytesOf("scratch"));
  await recorded.withholdDiskAtReset(1);
  await pass(1);
  await recorded.reset();
  await pass(100);
  await recorded.attachDisk(1, home);
  await pass(20);

  const [log, memory] = [await recorded.inputs(), await recorded.memorySha256()];
  expect(log.map(({ kind }) => kind)).toEqual([
    "serial",
    "stall",
    "serial",
    "serial",
    "write-memory",
    "withhold-disk-at-reset",
    "reset",
    "attach-disk",
  ]);
  expect(log[0]?.atMs).toBe(start);

  const replayed = await guest.startMachine("replayed");
  await replayed.restoreSnapshot(shell);
  await replay(replayed, log, recorded.now());

  expect(replayed.now()).toBe(recorded.now());
  expect(await replayed.memorySha256()).toBe(memory);
  await recorded.dispose();
  await replayed.dispose();
});

function type(machine: Machine, text: string): Promise<void> {
  return machine.send({ atMs: machine.now(), line: 0, bytes: bytesOf(text), ifRead: false });
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
