import { expect, test } from "vitest";
import { type VirtualMs, virtualMs } from "../../src/clock/virtual-time.js";
import type { Output } from "../../src/machine/serial-line.js";
import { ATTENDANT_LINE, connectAttendant } from "../../src/reboot/attendant.js";

/** An attendant whose guest says these pieces, one each ms, from the moment that it is asked something. */
function attendantThatSays(pieces: readonly string[]) {
  let now = virtualMs(0);
  let waiting: string[] = [];
  const listeners = new Set<(output: Output) => void>();
  const say = (text: string): void => {
    const bytes = new TextEncoder().encode(text);
    for (const listener of listeners) listener({ line: ATTENDANT_LINE, bytes, atMs: now });
  };
  const machine = {
    name: "tested",
    now: () => now,
    onOutput(listener: (output: Output) => void) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    send() {
      waiting = [...pieces];
      return Promise.resolve();
    },
  };
  const attendant = connectAttendant(machine, (until: VirtualMs) => {
    now = until;
    const text = waiting.shift();
    if (text !== undefined) say(text);
    return Promise.resolve();
  });
  return { attendant, say };
}

test("an answer is a line, however it comes", async () => {
  const { attendant } = attendantThatSays(["hello\nker", "nel 6.1.0 \r\nkernel 5"]);
  expect(await attendant.ask("kernel", 100)).toBe("6.1.0");
});

test("nothing in an answer steers the terminal that it may come to", async () => {
  const { attendant } = attendantThatSays(["failed \u001b[2Jno\u009b\u0007\r\n"]);
  await expect(attendant.ask("freeze", 100)).rejects.toThrow(
    /^the guest could not freeze: \[2Jno$/,
  );
});

test("a line that is too long is no answer, in one piece or in many", async () => {
  const long = `kernel ${"x".repeat(600)}`;
  const pieces = [`${long}\n`, long, ...Array<string>(9).fill("y".repeat(90)), "\nkernel 6.1.0\n"];
  const { attendant } = attendantThatSays(pieces);
  expect(await attendant.ask("kernel", 100)).toBe("6.1.0");
});

test("what is said unasked is no answer", async () => {
  const { attendant, say } = attendantThatSays(["kernel 6.1.0\n"]);
  for (let count = 0; count < 1000; count++) say("kernel of old\n".repeat(100));
  expect(await attendant.ask("kernel", 100)).toBe("6.1.0");
});
