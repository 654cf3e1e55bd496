import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BootMenuError, defaultEntry } from "../../src/guest/kexec-menu.js";

const OURS = `serial --unit=0 --speed=115200
set timeout=0
set default=linux-6.1.0-50-686

menuentry 'Linux 6.1.0-47-686' --id linux-6.1.0-47-686 {
  linux /boot/vmlinuz-6.1.0-47-686 console=ttyS0 quiet
  initrd /boot/initrd.img-6.1.0-47-686
}

menuentry 'Linux 6.1.0-50-686' --id linux-6.1.0-50-686 {
  linux /boot/vmlinuz-6.1.0-50-686 console=ttyS0 quiet
  initrd /boot/initrd.img-6.1.0-50-686
}
`;

/** As grub-mkconfig writes it, shortened. */
const GENERATED = `
if [ "\${next_entry}" ] ; then
   set default="\${next_entry}"
else
   set default="0"
fi
function load_video {
  insmod all_video
}
menuentry 'Debian GNU/Linux' --class debian --class os $menuentry_id_option 'gnulinux-simple-12' {
	load_video
	if [ x$grub_platform = xxen ]; then insmod xzio; fi
	echo	'Loading Linux 6.1.0-50-686 ...'
	linux	/boot/vmlinuz-6.1.0-50-686 root=UUID=0123 ro  quiet "a b=c"
	# linux /boot/another
	initrd	/boot/initrd.img-6.1.0-50-686
}
submenu 'Advanced options for Debian GNU/Linux' $menuentry_id_option 'gnulinux-advanced' {
	menuentry 'Debian, with Linux 6.1.0-47-686' --class debian {
		linux	/boot/vmlinuz-6.1.0-47-686 root=UUID=0123 ro
	}
}
`;

describe("what GRUB starts", () => {
  test("is the entry with the identifier that is the default", () => {
    expect(defaultEntry(OURS)).toEqual({
      kernel: "/boot/vmlinuz-6.1.0-50-686",
      initrds: ["/boot/initrd.img-6.1.0-50-686"],
      commandLine: "console=ttyS0 quiet",
    });
  });

  test("is another one once an update has edited the menu", () => {
    const before = OURS.replace("default=linux-6.1.0-50", "default=linux-6.1.0-47");
    expect(defaultEntry(before).kernel).toBe("/boot/vmlinuz-6.1.0-47-686");
  });

  test("may be named by its title, by its number, or not at all", () => {
    const byTitle = OURS.replace("default=linux-6.1.0-50-686", "default='Linux 6.1.0-50-686'");
    expect(defaultEntry(byTitle).kernel).toBe("/boot/vmlinuz-6.1.0-50-686");
    const byNumber = OURS.replace("default=linux-6.1.0-50-686", 'default="1"');
    expect(defaultEntry(byNumber).kernel).toBe("/boot/vmlinuz-6.1.0-50-686");
    const unnamed = OURS.replace("set default=linux-6.1.0-50-686", "");
    expect(defaultEntry(unnamed).kernel).toBe("/boot/vmlinuz-6.1.0-47-686");
  });

  test("is found in a menu that grub-mkconfig wrote", () => {
    expect(defaultEntry(GENERATED)).toEqual({
      kernel: "/boot/vmlinuz-6.1.0-50-686",
      initrds: ["/boot/initrd.img-6.1.0-50-686"],
      commandLine: "root=UUID=0123 ro quiet a b=c",
    });
  });

  test("is an error if there is no such entry, or it is no kernel", () => {
    const gone = OURS.replace("default=linux-6.1.0-50-686", "default=linux-7");
    expect(() => defaultEntry(gone)).toThrow(
      new BootMenuError(`GRUB's menu has no entry "linux-7"`),
    );
    expect(() => defaultEntry("menuentry 'Memory test' {\n linux16 /boot/memtest\n}\n")).toThrow(
      /"Memory test" of GRUB's menu starts no Linux kernel/,
    );
    expect(() => defaultEntry("")).toThrow(BootMenuError);
  });

  test("whatever stands in the menu, it is an entry or that error", () => {
    const piece = fc.constantFrom("menuentry", "submenu", "linux", "initrd", "set", "'", '"', "{");
    const more = fc.constantFrom("}", "default=", "0", "--id", "\n", " ", "$x", "/boot/k", "#");
    const menus = fc.array(fc.oneof(piece, more, fc.string({ maxLength: 3 })), { maxLength: 40 });
    fc.assert(
      fc.property(menus, (pieces) => {
        try {
          expect(defaultEntry(pieces.join("")).kernel).not.toBe("");
        } catch (error) {
          expect(error).toBeInstanceOf(BootMenuError);
        }
      }),
    );
  });
});
