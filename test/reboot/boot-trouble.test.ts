import { describe, expect, test } from "vitest";
import { describeTrouble } from "../../src/reboot/boot-trouble.js";

describe("a boot that has failed for good is told by what it prints", () => {
  test.each([
    [
      "[    1.2] Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)\n[    1.2] CPU: 0 PID: 1\n",
      'the kernel panicked: "Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)"',
    ],
    [
      "error: file `/boot/vmlinuz-6.1.0' not found.\nerror: you need to load the kernel first.\n",
      'the boot loader cannot start the entry: "error: file `/boot/vmlinuz-6.1.0\' not found."',
    ],
    ["GNU GRUB  version 2.06\n\ngrub> ", 'the boot loader waits for commands: "grub>"'],
    ["error: no such partition.\n", /cannot start the entry: "error: no such partition/],
    ["Entering rescue mode...\ngrub rescue>", 'the boot loader waits for commands: "grub rescue>"'],
    ["Booting from Hard Disk...\nNo bootable device.", /^the firmware finds nothing to boot/],
    ["ALERT!  UUID=1 does not exist.  Dropping to a shell!", /^the initramfs gives up/],
    ["You are in emergency mode. After logging in", /^the system waits in its emergency mode/],
  ])("%j", (text, trouble) => {
    expect(describeTrouble(text)).toEqual(
      typeof trouble === "string" ? trouble : expect.stringMatching(trouble),
    );
  });
});

test.each([
  "  Booting `Linux 6.1.0-50-686'\n",
  "error: no suitable video mode found.\nBooting in blind mode\n",
  "[    0.015998] MPTABLE: no processors registered!\n",
  "guest:~# echo 'grub> is a prompt'\n",
  "Kernel panic - not syn",
])("a boot that goes on is left alone: %j", (text) => {
  expect(describeTrouble(text)).toBeNull();
});

test("a boot that prints half a megabyte without sense is looked through at once, at its end", () => {
  for (const piece of [
    "ALERT! ",
    "Kernel panic - not syncing: ",
    "error: file `' not found",
    "grub>  ",
  ]) {
    const text = piece.repeat(2 ** 19 / piece.length);
    for (let look = 0; look < 10; look++) expect(describeTrouble(text)).toBeNull();
    const panic = "Kernel panic - not syncing: Attempted to kill init!\n";
    expect(describeTrouble(`${text}\n${panic}`)).toMatch(/^the kernel panicked/);
  }
  const prompt = `${"echo grub> \n".repeat(2 ** 16)}grub> `;
  expect(describeTrouble(prompt.slice(0, -6))).toBeNull();
  expect(describeTrouble(prompt)).toBe('the boot loader waits for commands: "grub>"');
});
