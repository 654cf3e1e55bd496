import { after, type VirtualMs } from "../clock/virtual-time.js";
import type { Host } from "../host/host.js";
import { type Console, openConsole } from "../machine/console.js";
import { WaitExpired } from "../machine/errors.js";
import type { Machine } from "../machine/machine.js";
import { type Attendant, connectAttendant } from "./attendant.js";
import { describeTrouble } from "./boot-trouble.js";
import { COMMAND_MARKS, type CommandResult, withMarks } from "./command-marks.js";
import type { BootMark } from "./downtime.js";
import { UpdateFailed } from "./errors.js";
import type { GuestProfile } from "./guest-profile.js";
import type { MachineRole } from "./report.js";

/** A machine in its role in a run, with the ways to talk to the guest in it. */
export interface Vm {
  readonly role: MachineRole;
  readonly machine: Machine;
  /** The login console. */
  readonly console: Console;
  readonly attendant: Attendant;
}

/** As much of a {@link Vm} as it takes to work at its console. */
export type Terminal = Pick<Vm, "console" | "machine">;

/** Puts a machine on the host and connects to its guest. */
export function placeVm(host: Host, role: MachineRole, machine: Machine): Vm {
  host.add({ machine, background: role === "reboot-dedicated" });
  const advance = (until: VirtualMs): Promise<void> =>
    host.advanceTo(host.hostTime(machine, until));
  return {
    role,
    machine,
    console: openConsole(machine, 0, advance),
    attendant: connectAttendant(machine, advance),
  };
}

const LOGIN_MS = 10_000;

/** Logs in on the console of a guest that waits for a user name, or has a shell open already. */
export async function logIn(
  { console, machine }: Terminal,
  { login }: Pick<GuestProfile, "login">,
): Promise<void> {
  console.skip();
  await console.type("\n");
  const either = new RegExp(`(${login.prompt.source})|(${login.shellPrompt.source})`, "m");
  const { match } = await console.expect(either, {
    withinMs: LOGIN_MS,
    what: "a login or shell prompt",
  });
  if (match[1] === undefined) return;
  await console.type(`${login.user}\n`);
  await console.expect(login.shellPrompt, {
    withinMs: LOGIN_MS,
    what: `a shell for ${login.user} on ${machine.name}`,
  });
}

/** Interrupts what runs at the console, as Ctrl-C does. */
export async function interrupt({ console }: Pick<Vm, "console">): Promise<void> {
  await console.type("\u0003");
}

/** Logs out again, so that the console stands at the login prompt. */
export async function logOut({ console }: Vm, guest: GuestProfile): Promise<void> {
  await console.type("exit\n");
  await console.expect(guest.login.prompt, {
    withinMs: LOGIN_MS,
    what: "a login prompt after logging out",
  });
}

/**
 * Runs a command in the shell that is open on the console.
 *
 * @param withinMs how long it may take, in ms of virtual time
 */
export async function runCommand(
  { console }: Terminal,
  command: string,
  withinMs: number,
): Promise<CommandResult> {
  await console.type(withMarks(command));
  const { match } = await console.expect(COMMAND_MARKS, {
    withinMs,
    what: `the command "${command}"`,
  });
  return { output: match.output, status: match.status };
}

/** A line of shell as one command, which others can follow even if it ends with `&`. */
export function asCommand(line: string): string {
  return `eval '${line.replaceAll("'", `'\\''`)}'`;
}

/** How often is looked at what a booting guest prints, in ms, and at which of these looks at its screen, too. */
const LOOK_EVERY_MS = 10;
const SCREEN_LOOKS = 100;

/**
 * Lets time pass until the guest prints what ends a phase of its boot.
 *
 * @param withinMs how long it may take, in ms of virtual time
 * @throws {UpdateFailed} if what it prints, or shows on its screen, says that this boot will not end
 * @throws {WaitExpired} naming the phase that did not end in time
 */
export async function awaitBootPhase(
  host: Host,
  { console, machine }: Vm,
  { name, until }: GuestProfile["bootPhases"][number],
  withinMs: number,
): Promise<BootMark> {
  const deadline = after(machine.now(), withinMs);
  for (let look = 0; ; look++) {
    const found = console.find(until);
    if (found !== null) return { name, atMs: host.hostTime(machine, found.atMs) };
    const screen = look % SCREEN_LOOKS === 0 ? (await machine.screen()).join("\n") : "";
    const trouble = describeTrouble(console.unread()) ?? describeTrouble(screen);
    if (trouble !== null) {
      throw new UpdateFailed(`the boot failed in its phase "${name}": ${trouble}.`);
    }
    if (machine.now() >= deadline) {
      const what = `the end of the boot phase "${name}"`;
      throw new WaitExpired(machine.name, what, withinMs, console.unread().slice(-800));
    }
    await host.advanceTo(host.hostTime(machine, after(machine.now(), LOOK_EVERY_MS)));
  }
}

/** What `uname -r` prints in the shell that is open on the console. */
export async function kernelRelease(vm: Vm): Promise<string> {
  return (await runCommand(vm, "uname -r", 10_000)).output.trim();
}
