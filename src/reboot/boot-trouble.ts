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

/**
 * Names and messages are no longer than this; without a bound, text of a guest could keep the search for
 * their ends busy for ever.
 */
const TROUBLES: readonly (readonly [what: string, text: RegExp])[] = [
  ["the kernel panicked", /Kernel panic - not syncing: .{0,1000}\n/],
  [
    "the boot loader cannot start the entry",
    /error: (?:file `.{0,300}' not found|you need to load the kernel first|invalid magic number|premature end of file|no such (?:device|partition)|can't find command|unknown filesystem).{0,300}\n/,
  ],
  ["the boot loader waits for commands", /^grub(?: rescue)?> *$/m],
  ["the firmware finds nothing to boot", /No bootable device/],
  ["the initramfs gives up", /ALERT! .{0,300} does not exist|initramfs: cannot mount the root/],
  ["the system waits in its emergency mode", /You are in (?:emergency|rescue) mode/],
];

/** No guest prints so much between two looks, in characters. */
const LOOKED_AT = 1 << 15;

/**
 * Says in a few words what is wrong, with the text that shows it; null if the text shows no trouble.
 *
 * @param text what was printed; of a long one only its end is looked at
 */
export function describeTrouble(text: string): string | null {
  const end = endOf(text);
  for (const [what, trouble] of TROUBLES) {
    const match = trouble.exec(end);
    if (match !== null) return `${what}: "${match[0].trim()}"`;
  }
  return null;
}

/** The whole lines at the end of a text, so that the middle of one is not taken for its beginning. */
function endOf(text: string): string {
  if (text.length <= LOOKED_AT) return text;
  const end = text.slice(-LOOKED_AT);
  return end.slice(end.indexOf("\n") + 1);
}
