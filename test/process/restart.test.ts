import { expect, test } from "vitest";
import type { Registers } from "../../src/guest/ptrace.js";
import { SYSTEM_CALLS } from "../../src/guest/system-calls.js";
import { restartCall, sleepOf } from "../../src/process/restart.js";

const ERESTARTSYS = -512;
const ERESTARTNOHAND = -514;
const ERESTART_RESTARTBLOCK = -516;

function inCall(origEax: number, eax: number, others: Partial<Registers> = {}): Registers {
  const none = { ebx: 0, ecx: 0, edx: 0, esi: 0, edi: 0, ebp: 0, eip: 0x1000, esp: 0x2000 };
  const segments = { ds: 0x7b, es: 0x7b, fs: 0, gs: 0x33, cs: 0x73, ss: 0x7b, eflags: 0x202 };
  return { ...none, ...segments, origEax, eax, ...others };
}

test("a call that the new kernel can restart by itself is left to it", () => {
  const reading = inCall(SYSTEM_CALLS.read, ERESTARTSYS);
  expect(restartCall(reading)).toEqual(reading);
});

test("a call whose restart block stays behind starts anew, or fails if a signal comes first", () => {
  const polling = inCall(SYSTEM_CALLS.poll, ERESTART_RESTARTBLOCK, { edx: 5000 });
  expect(restartCall(polling)).toEqual({ ...polling, eax: ERESTARTNOHAND });
});

test("a thread that computes is left alone, even with a number of a restart in eax", () => {
  const computing = inCall(-1, ERESTART_RESTARTBLOCK);
  expect(restartCall(computing)).toEqual(computing);
  expect(sleepOf(computing)).toBeNull();
});

test("a sleep goes on with what is left of it, where the kernel has told it", () => {
  const sleeping = inCall(SYSTEM_CALLS.nanosleep, ERESTART_RESTARTBLOCK, { ebx: 16, ecx: 32 });
  expect(restartCall(sleeping)).toEqual(sleeping);
  expect(sleepOf(sleeping)).toEqual({ call: "nanosleep", args: [32, 32] });

  const args = { ebx: 1, ecx: 0, edx: 16, esi: 32 };
  const byClock = inCall(SYSTEM_CALLS.clock_nanosleep_time64, ERESTART_RESTARTBLOCK, args);
  expect(restartCall(byClock)).toEqual(byClock);
  expect(sleepOf(byClock)).toEqual({ call: "clock_nanosleep_time64", args: [1, 0, 32, 32] });
});

test("a sleep that did not ask for what is left sleeps anew", () => {
  const sleeping = inCall(SYSTEM_CALLS.nanosleep, ERESTART_RESTARTBLOCK, { ebx: 16 });
  expect(sleepOf(sleeping)).toBeNull();
  expect(restartCall(sleeping).eax).toBe(ERESTARTNOHAND);
});
