import type { FileDecision } from "./carry-over.js";
import type { VirtualMs, WallMs } from "../clock/virtual-time.js";

/** The machines that a run may have, by the paper's names. */
export type MachineRole = "original" | "reboot-dedicated";

/**
 * A named part of a run. Phases that belong to the downtime tile it: each starts where the one before
 * it ends, so their lengths add up to what the user waited for.
 */
export interface Phase {
  /** Kebab-case and fixed for a strategy: `vm-fork`, `shutdown`, `restore`. */
  readonly name: string;
  /** The machine that the phase is about. */
  readonly machine: MachineRole;
  /** Host time, counted from the start of the run. */
  readonly startMs: VirtualMs;
  readonly endMs: VirtualMs;
  /** How long the phase took on this computer; never part of a digest. */
  readonly wallMs: WallMs;
  /** Whether the user waits meanwhile. */
  readonly downtime: boolean;
}

/** Something that happened in a run, at a moment of host time. */
export interface RunEvent {
  readonly atMs: VirtualMs;
  /** The machine that it happened to; absent for what the host did. */
  readonly machine?: MachineRole;
  /** What happened, in kebab-case: `reset`, `commit`, `rolled-back`. */
  readonly kind: string;
  /** Facts about it. Never a wall time: events are part of the digest. */
  readonly detail?: Readonly<Record<string, string | number | boolean>>;
}

/** Bytes that a guest wrote to a serial line. */
export interface ConsoleOutput {
  readonly atMs: VirtualMs;
  readonly machine: MachineRole;
  /** Serial line: 0 is the login console, 1 the attendant's line. */
  readonly line: number;
  readonly bytes: Uint8Array;
}

/** One question of the probe, and when the guest answered it; an unanswered one fell into the downtime. */
export interface ProbeAnswer {
  readonly sentMs: VirtualMs;
  readonly answeredMs: VirtualMs | null;
}

/** What became of a program that the user had open. */
export interface ProgramOutcome {
  readonly name: string;
  /** Whether it goes on after the update, with what it had in memory. */
  readonly survived: boolean;
}

/** What a program that does nothing but beat says of its life. */
export interface Heartbeat {
  readonly beats: number;
  /** The longest time between two beats by the program's own clock. */
  readonly gapMs: VirtualMs;
}

/** The reboot of the fork, from its shutdown to its login, and what it left to the user. */
export interface BackgroundReboot {
  readonly tookMs: VirtualMs;
  /** Meanwhile, how long the original VM's guest ran, and how long it waited for a processor. */
  readonly userRanMs: VirtualMs;
  readonly userWaitedMs: VirtualMs;
}

/** Why an update was not committed, or what came after that. */
export interface RunFailure {
  /** The phase in which it failed. */
  readonly phase: string;
  /** For a person: what failed, where, and what the user has now. */
  readonly message: string;
  /** Whether the original VM goes on as if nothing had happened. */
  readonly rolledBack: boolean;
  /** Whether the user's machine does not answer any more. */
  readonly silent: boolean;
}

/** All that a run of one strategy found out. */
export interface RunReport {
  readonly guest: string;
  readonly strategy: string;
  /**
   * Kernel release (`uname -r`) before and after; `kernelAfter` is what the user's machine runs at the end,
   * `unknown` if that does not answer.
   */
  readonly kernelBefore: string;
  readonly kernelAfter: string;
  /** Whether the update is in effect on the user's machine. */
  readonly committed: boolean;
  readonly failure: RunFailure | null;
  /** The longest time without an answer to the probe, and what it took on this computer. */
  readonly downtime: { readonly virtualMs: VirtualMs; readonly wallMs: WallMs };
  /** Whether the user can work at the console afterwards. */
  readonly hasShell: boolean;
  /** What the user had open, in the order in which it was started; nothing if nobody has a shell to look for it. */
  readonly programs: readonly ProgramOutcome[];
  /** Null if the guest has none, or it did not survive. */
  readonly heartbeat: Heartbeat | null;
  /** Null if there was none, or it did not end. */
  readonly background: BackgroundReboot | null;
  /** What became of files that changed on the original's system disk; null if that was not looked at. */
  readonly files: readonly FileDecision[] | null;
  readonly phases: readonly Phase[];
  readonly events: readonly RunEvent[];
  readonly consoles: readonly ConsoleOutput[];
  readonly probe: readonly ProbeAnswer[];
  /** SHA-256, hexadecimal, over the final RAM of the user's machine and the events. */
  readonly digest: string;
}
