import { expect, test } from "vitest";
import type { Program } from "../../src/guest/gate.js";
import { PAGE_BYTES } from "../../src/guest/page-tables.js";
import type { MapsLine } from "../../src/guest/procfs.js";
import type { Argument, Stub } from "../../src/guest/stub-session.js";
import type { GuestAccess } from "../../src/machine/resident.js";
import { capturePages, expectRoom, isContent } from "../../src/process/capture-memory.js";
import { CannotCarry } from "../../src/process/files/file-kind.js";
import { outcomeOf } from "../carry-over/proc-stub.js";

const PRESENT = 0x80000000;
const SWAPPED = 0x40000000;
const FRAMES = 4;
const ENTRIES_AT_ONCE = 2;

/** A guest of four page frames and a process whose page map has these entries, of which two are read at a time. */
function guestWith(frames: readonly number[], { flags = PRESENT } = {}) {
  const memory = new Uint8Array(FRAMES * PAGE_BYTES);
  for (let frame = 0; frame < FRAMES; frame++) {
    memory.fill(frame + 1, frame * PAGE_BYTES, (frame + 1) * PAGE_BYTES);
  }
  // To read pages takes no more of a machine.
  const access = { ram: () => memory } as unknown as GuestAccess;
  let isOpen = false;
  let result = new Uint8Array();
  function* call(name: string, ...args: readonly Argument[]): Program<number> {
    if (name === "open") isOpen = true;
    if (name === "close") isOpen = false;
    if (name !== "pread64") return 3;
    const first = Number(args[3]) / 8;
    // The guest has run meanwhile: what was read before is something else now.
    if (first > 0) memory.fill(0xee, 0, PAGE_BYTES);
    const some = frames.slice(first, first + ENTRIES_AT_ONCE);
    result = new Uint8Array(Uint32Array.from(some.flatMap((frame) => [frame, flags])).buffer);
    return result.length;
  }
  const view = (): DataView => new DataView(result.buffer);
  // To read pages takes no more of a stub.
  const stub = { out: 0, call, attempt: call, view } as unknown as Stub;
  const whole: MapsLine = {
    ...{ start: 0, end: frames.length * PAGE_BYTES, read: true, write: true, execute: false },
    ...{ shared: false, offset: 0, device: "00:00", inode: 0, path: "" },
  };
  const isNew = (_: number, page: Uint8Array, mapping: MapsLine) => isContent(page, mapping);
  return {
    isOpen: () => isOpen,
    capture: () => outcomeOf(capturePages(stub, access, 20, [whole], isNew)),
    access,
  };
}

test("a page is as it was when it was chosen, whatever the guest does while the next ones are looked for", () => {
  const { capture, isOpen } = guestWith([0, 2, 3]);
  const { addresses, content } = capture();
  expect([...addresses]).toEqual([0, PAGE_BYTES, 2 * PAGE_BYTES]);
  expect([0, 1, 2].map((page) => content[page * PAGE_BYTES])).toEqual([1, 3, 4]);
  expect(isOpen()).toBe(false);
});

test("a process that claims more pages than there is RAM is not read to its end", () => {
  const { capture, isOpen } = guestWith([1, 1, 1, 1, 1, 1]);
  expect(capture).toThrow(/process 20 claims to have more pages of its own than the guest has RAM/);
  expect(isOpen()).toBe(false);
});

test("a page that is swapped out is named, and nothing stays open", () => {
  const { capture, isOpen } = guestWith([1], { flags: SWAPPED });
  expect(capture).toThrow(/page 0x0+ of process 20 is swapped out/);
  expect(isOpen()).toBe(false);
});

test("processes that share more than there is RAM are refused by the first that does not fit", () => {
  const { access, capture } = guestWith([1, 2]);
  const pages = capture();
  const two = [20, 21].map((pid) => ({ pid, pages }));
  expect(() => {
    expectRoom(access, two);
  }).not.toThrow();
  expect(() => {
    expectRoom(access, [...two, { pid: 22, pages }]);
  }).toThrow(CannotCarry);
});
