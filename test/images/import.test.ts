import { gzipSync } from "fflate";
import { describe, expect, test } from "vitest";
import { importGuest, startingWith } from "../../src/images/import.js";
import { blankSystemDisk } from "../../src/images/import-layout.js";
import { readSource } from "../../src/images/import-source.js";
import { checkProgram, initrdOf, parseKernelHeader } from "../../src/images/import-system.js";
import { isGuestName } from "../../src/images/imported.js";
import { readTar } from "../../src/images/tar.js";
import { openCache } from "../../src/node/cache.js";
import { temporaryDirectory } from "../experiment/temporary-directory.js";
import { tarball } from "../support/tarball.js";

function diskImage(): Uint8Array {
  const disk = new Uint8Array(1 << 20);
  disk.set([0x55, 0xaa], 510);
  return disk;
}

/** A file that begins as another kind of file does. */
function beginning(magic: string, at = 0): Uint8Array {
  const file = new Uint8Array(64 << 10);
  file.set(Buffer.from(magic, "latin1"), at);
  return file;
}

describe("a file to be imported", () => {
  test("is a tarball, compressed or not", async () => {
    const plain = await tarball([{ name: "etc/passwd", content: "root:x:0:0:root:/:/bin/sh\n" }]);
    const read = await readSource("root.tar", plain);
    expect(read.kind).toBe("tarball");
    expect(read.content.length % 4096).toBe(0);
    const tree = await readTar([read.content.slice()]);
    expect([...tree.keys()]).toEqual(["etc/passwd"]);
    const packed = await readSource("root.tar.gz", gzipSync(plain));
    expect(Buffer.from(packed.content).equals(read.content)).toBe(true);
  });

  test("is a disk image if it has a boot sector", async () => {
    const { kind, content } = await readSource("disk.img", diskImage());
    expect(kind).toBe("disk");
    expect(content.buffer).toBeInstanceOf(SharedArrayBuffer);
  });

  test("is a disk image only without a kernel to start with", async () => {
    const options = {
      cache: await openCache(temporaryDirectory()),
      progress: () => undefined,
      name: "mine",
      user: "root",
      loginPrompt: "login: $",
      shellPrompt: "# $",
      memoryMegabytes: 128,
      kernel: "6.1",
    };
    await expect(importGuest(diskImage(), "disk.img", options)).rejects.toThrow(
      /disk\.img is a disk image.*leave --kernel out/,
    );
  });

  test("is no tarball that no disk is large enough for", () => {
    expect(() => blankSystemDisk(1750 * 2 ** 20, new Map())).toThrow(
      /would need a disk of 2109 MiB; the emulated PC takes at most 2047/,
    );
  });

  test.each([
    ["a qcow2 image", beginning("QFI\xfb"), /qcow2.*qemu-img convert/],
    ["a CD", beginning("CD001", 32769), /ISO 9660.*install the system from it/],
    ["zstd", beginning("\x28\xb5\x2f\xfd"), /zstd.*unpack it first/],
    ["a text", beginning("hello"), /neither a tar archive nor a disk image/],
    ["nothing", new Uint8Array(), /file is empty/],
    ["half a gzip file", gzipSync(diskImage()).subarray(0, 300), /cannot be unpacked/],
    ["a disk that is cut off", diskImage().subarray(0, 100_000), /cut off/],
  ])("is refused with the way out: %s", async (_, file, says) => {
    await expect(readSource("file", file)).rejects.toThrow(says);
  });
});

describe("a system to be imported", () => {
  const elf = (bits: number, machine: number) =>
    Uint8Array.of(0x7f, 0x45, 0x4c, 0x46, bits, 1, 1, ...Array<number>(11).fill(0), machine, 0);

  test("has an init for 32-bit x86, or one that is a script", () => {
    expect(() => {
      checkProgram(elf(1, 3), "/sbin/init");
    }).not.toThrow();
    expect(() => {
      checkProgram(Buffer.from("#!/bin/sh\n"), "/sbin/init");
    }).not.toThrow();
    expect(() => {
      checkProgram(elf(2, 62), "/sbin/init");
    }).toThrow(/another processor.*i386/);
    expect(() => {
      checkProgram(Buffer.from("text"), "/sbin/init");
    }).toThrow(/is not a program/);
  });

  test("has a kernel for 32-bit x86", () => {
    const header = new Uint8Array(0x250);
    expect(parseKernelHeader(header)).toEqual({ fault: "not a bzImage" });
    expect(parseKernelHeader(header.subarray(0, 100))).toEqual({ fault: "not a bzImage" });
    const view = new DataView(header.buffer);
    view.setUint32(0x202, 0x53726448, true);
    view.setUint16(0x206, 0x20f, true);
    view.setUint16(0x20e, 0x3000, true);
    expect(parseKernelHeader(header)).toEqual({ versionAt: 0x3200 });
    view.setUint16(0x236, 1, true);
    expect(parseKernelHeader(header)).toEqual({ fault: "a 64-bit kernel" });
  });

  test.each([
    ["6.1.0-50-686", "initrd.img-6.1.0-50-686"],
    ["4.18.19-100.fc27.i686", "initramfs-4.18.19-100.fc27.i686.img"],
    ["5.3.18-default", "initrd-5.3.18-default"],
    ["6.6.30-gentoo-x86", "initramfs-6.6.30-gentoo-x86"],
    ["4.9.6-gentoo-r1", "initramfs-genkernel-x86-4.9.6-gentoo-r1"],
  ])("has the initramfs of %s in %s", (release, file) => {
    expect(initrdOf(release, ["System.map", "initrd-other", file])).toBe(file);
    expect(initrdOf("1.2.3", [file])).toBeNull();
  });

  test("starts with the kernel that is asked for", () => {
    const kernels = ["5.10.1", "6.1.2"].map((release) => ({
      release,
      file: release,
      initrd: null,
    }));
    expect(startingWith(kernels, null).map(({ release }) => release)).toEqual(["5.10.1", "6.1.2"]);
    expect(startingWith(kernels, "6.1").map(({ release }) => release)).toEqual(["6.1.2", "5.10.1"]);
    expect(() => startingWith(kernels, "4.4")).toThrow(/no kernel "4.4"; it has 5.10.1, 6.1.2/);
  });

  test("has a name that is safe as that of a folder", () => {
    expect(isGuestName("my-fedora27")).toBe(true);
    for (const name of ["", "..", "a/b", "A", "-x", "a b"]) expect(isGuestName(name)).toBe(false);
  });
});
