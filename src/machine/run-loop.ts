import { addSpell, type Spell } from "../clock/spell.js";
import { after, NS_PER_MS, type VirtualMs, virtualMs } from "../clock/virtual-time.js";
import type { DiskQueue } from "./disk-queue.js";
import { MachineDied } from "./errors.js";
import type { MachineInput } from "./input-log.js";
import { createInputQueue, createOutputLog, type Output, type SerialInput } from "./serial-line.js";
import type { Emulator } from "./v86.js";

/** How far a machine may run. */
export interface RunRequest {
  /**
   * Moment of the machine's clock at which to pause: exactly then while the guest halts, else at most one turn
   * later, or what waking it costs.
   */
  readonly until: VirtualMs;
  /** Processor time that the guest may use, in ms; it pauses at most one turn after that. */
  readonly busyMs?: number;
  /** What waking the guest costs; nothing, if that is not said. */
  readonly wakeCost?: WakeCost;
}

/** A guest that has halted for longer than `afterMs` goes on `ms` later than what wakes it. */
export interface WakeCost {
  readonly afterMs: number;
  readonly ms: number;
}

/** What happened while a machine ran. */
export interface RunResult {
  readonly now: VirtualMs;
  /** Processor time used, in ms. */
  readonly busyMs: number;
  /** What waking the guest took besides, in ms. */
  readonly wakingMs: number;
  /** Whether the guest was halted at the end, waiting for an interrupt. */
  readonly halted: boolean;
  readonly output: readonly Output[];
  /** When the guest reset the machine. */
  readonly resets: readonly VirtualMs[];
  /** The spells in which the guest halted. */
  readonly idle: readonly Spell[];
  /** The spells in which the guest waited for a disk, or could have; none without a disk service. */
  readonly diskBusy: readonly Spell[];
}

/** How time passes in a machine: by turns of its guest, and by leaps while that halts. */
export interface RunLoop {
  /** @throws {MachineDied} */
  run(request: RunRequest): Promise<RunResult>;
  /**
   * Lets the guest run one turn, or wakes it if it halts, and reports.
   *
   * @throws {MachineDied}
   */
  step(): Promise<RunResult>;
  /** Lets time pass without the guest running. */
  stall(until: VirtualMs): void;
  /** Schedules bytes for a serial line; they arrive at their moment, or at once if that is past. */
  send(input: SerialInput): void;
  /** The guest must look for itself whether it can go on halting. */
  wake(): void;
  /** The guest has written a byte to a serial line. */
  heard(line: number, byte: number): void;
  /** The guest has reset the machine. */
  reset(): void;
  /** The machine goes on from another state: what was scheduled is dropped. */
  forget(): void;
  /** What the machine has died of; null while it lives. */
  death(): MachineDied | null;
}

/** A device with a coarser clock than ours says that it is due now until its own clock has moved on: look again after this, in ms. */
const SHORTEST_SLEEP_MS = 0.01;

const FREE: WakeCost = { afterMs: 0, ms: 0 };

/**
 * Makes the loop of a machine.
 *
 * @param machine its name, for messages
 * @param emulator is called once the machine is on
 * @param note is told of all that reaches the guest from outside
 */
export function createRunLoop(
  machine: string,
  emulator: () => Emulator,
  diskQueue: DiskQueue,
  note: (input: MachineInput) => void,
): RunLoop {
  const pending = createInputQueue();
  const output = createOutputLog();
  let resets: VirtualMs[] = [];
  let idle: Spell[] = [];
  /** While the guest halts: the moment at which a device will wake it. */
  let wakeAt: VirtualMs | null = null;
  /** Since when it halts; null while it does not, or once its waking has been paid for. */
  let haltedSince: VirtualMs | null = null;
  let wakingMs = 0;
  let death: MachineDied | null = null;

  /** Hands over what is due, and says when the next input is. */
  function deliver(now: VirtualMs): number {
    const received = new Set<number>();
    for (let input = pending.takeDue(now); input !== null; input = pending.takeDue(now)) {
      const { line, bytes, ifRead } = input;
      // What comes at the same time is no sign that the guest is behind.
      if (ifRead && !received.has(line) && emulator().hasUnread(line)) continue;
      received.add(line);
      note({ kind: "serial", atMs: now, line, bytes });
      emulator().receive(line, bytes);
      wakeAt = null;
    }
    return pending.nextAt();
  }

  /** One turn of the guest, and the microtask in which v86 takes newly compiled code into use. */
  async function turn(): Promise<void> {
    const { clock } = emulator();
    try {
      const result = emulator().turn();
      await Promise.resolve();
      // Rounded up, so that the device is due when the guest is woken for it.
      const sleepMs = result.halted ? Math.ceil(result.wakeInMs * NS_PER_MS) / NS_PER_MS : 0;
      const now = clock.now();
      haltedSince = result.halted ? now : null;
      wakeAt = result.halted ? after(now, Math.max(sleepMs, SHORTEST_SLEEP_MS)) : null;
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      death = new MachineDied(machine, reason, clock.now(), { cause });
      throw death;
    }
  }

  function report(busyAtStart: number): RunResult {
    const { clock } = emulator();
    const result = {
      now: clock.now(),
      busyMs: clock.busyMs() - busyAtStart,
      wakingMs,
      halted: wakeAt !== null,
      output: output.take(),
      resets,
      idle,
      diskBusy: diskQueue.takeBusy(clock.now()),
    };
    resets = [];
    idle = [];
    wakingMs = 0;
    return result;
  }

  /** Lets time pass without the guest running. */
  function stall(until: VirtualMs): void {
    const { clock } = emulator();
    const now = clock.now();
    if (until <= now) return;
    note({ kind: "stall", atMs: now, untilMs: until });
    clock.skipTo(until);
  }

  return {
    async run({ until, busyMs = Infinity, wakeCost = FREE }) {
      const { clock } = emulator();
      const busyAtStart = clock.busyMs();
      for (let now = clock.now(); now < until; now = clock.now()) {
        if (clock.busyMs() - busyAtStart >= busyMs) break;
        const nextInput = deliver(now);
        if (diskQueue.advance(now)) wakeAt = null;
        if (wakeAt !== null && now < wakeAt) {
          const to = virtualMs(Math.min(wakeAt, until, nextInput, diskQueue.dueAt()));
          clock.skipTo(to);
          addSpell(idle, { from: now, to });
        } else if (
          haltedSince !== null &&
          wakeCost.ms > 0 &&
          now - haltedSince > wakeCost.afterMs
        ) {
          haltedSince = null;
          wakingMs += wakeCost.ms;
          stall(after(now, wakeCost.ms));
        } else {
          await turn();
        }
      }
      return report(busyAtStart);
    },

    async step() {
      const { clock } = emulator();
      const busyAtStart = clock.busyMs();
      deliver(clock.now());
      if (wakeAt !== null) clock.skipTo(wakeAt);
      await turn();
      return report(busyAtStart);
    },

    stall,

    send(input) {
      pending.add(input);
    },

    wake() {
      wakeAt = null;
    },

    heard(line, byte) {
      output.add(line, byte, emulator().clock.now());
    },

    reset() {
      const now = emulator().clock.now();
      wakeAt = null;
      diskQueue.finish(now);
      resets.push(now);
    },

    forget() {
      pending.clear();
      diskQueue.forget();
      wakeAt = null;
      haltedSince = null;
    },

    death: () => death,
  };
}
