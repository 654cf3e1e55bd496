/**
 * What a machine prints whose boot has failed for good, so that nobody waits for the rest of it.
 *
 * References:
 * - Linux: kernel/panic.c, panic()
 * - GRUB manual, "GRUB only offers a rescue shell", "Troubleshooting"; its messages are those of
 *   grub-core/commands/test.c, loader/i386/linux.c, normal/main.c and kern/rescue_reader.c
 * - SeaBIOS: src/boot.c
 * - initramfs-tools(7) "panic"; [systemd.special(7)] emergency.target
 */

const TROUBLES: readonly (readonly [what: string, text: RegExp])[] = [
  ["the kernel panicked", /Kernel panic - not syncing: .*\n/],
  [
    "the boot loader cannot start the entry",
    /error: (?:file `.*' not found|you need to load the kernel first|invalid magic number|premature end of file|no such (?:device|partition)|can't find command|unknown filesystem).*\n/,
  ],
  ["the boot loader waits for commands", /^grub(?: rescue)?> *$/m],
  ["the firmware finds nothing to boot", /No bootable device/],
  ["the initramfs gives up", /ALERT! .* does not exist|initramfs: cannot mount the root/],
  ["the system waits in its emergency mode", /You are in (?:emergency|rescue) mode/],
];

/** Says in a few words what is wrong, with the text that shows it; null if the text shows no trouble. */
export function describeTrouble(text: string): string | null {
  for (const [what, trouble] of TROUBLES) {
    const match = trouble.exec(text);
    if (match !== null) return `${what}: "${match[0].trim()}"`;
  }
  return null;
}
