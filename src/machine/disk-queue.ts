import { addSpell, type Spell } from "../clock/spell.js";
import { after, type VirtualMs } from "../clock/virtual-time.js";

/** What the host's disk does for a machine. */
export interface DiskService {
  /** Bytes that the disk moves in one ms. */
  readonly bytesPerMs: number;
  /** What a request costs besides, in ms. */
  readonly requestMs: number;
  /** The part of the disk's time that the machine gets, from 0 to 1. */
  readonly share: number;
}

/**
 * A machine's requests to the disk, which is served one after another. Bytes are moved at once; what takes
 * its time is that the guest is told. Without a service nothing takes time.
 */
export interface DiskQueue {
  /**
   * Changes the service from a moment on, also for the request under way; null ends all requests. Returns
   * whether it has ended any.
   */
  serve(service: DiskService | null, now: VirtualMs): boolean;
  /** Takes a request; `done` is called when it has ended, and within this call if there is no service. */
  add(bytes: number, now: VirtualMs, done: () => void): void;
  /** When the request under way ends; infinity if there is none, or nothing of the disk's time. */
  dueAt(): number;
  /** Ends what is due; returns whether that was anything. */
  advance(now: VirtualMs): boolean;
  /** Ends all requests; returns whether there were any. */
  finish(now: VirtualMs): boolean;
  /** Forgets all requests: whoever made them is gone. */
  forget(): void;
  /** The spells in which there were requests, since this was last asked. */
  takeBusy(now: VirtualMs): Spell[];
}

interface Request {
  /** How much of the disk's time it still takes, as of `startedAt`, in ms. */
  leftMs: number;
  readonly done: () => void;
}

/** Makes a queue without requests and without a service. */
export function createDiskQueue(): DiskQueue {
  const requests: Request[] = [];
  let service: DiskService | null = null;
  let startedAt: VirtualMs | null = null;
  let dueAt = Infinity;
  let busySince: VirtualMs | null = null;
  let busy: Spell[] = [];

  /** Begins, or goes on with, the first request. A moment is computed once, so that cuts in time change nothing. */
  function start(now: VirtualMs): void {
    const [first] = requests;
    startedAt = now;
    const share = service?.share ?? 0;
    dueAt = first === undefined || share === 0 ? Infinity : after(now, first.leftMs / share);
    if (first !== undefined) busySince ??= now;
  }

  function end(now: VirtualMs): void {
    requests.shift()?.done();
    if (requests.length === 0 && busySince !== null) {
      addSpell(busy, { from: busySince, to: now });
      busySince = null;
    }
    start(now);
  }

  function finish(now: VirtualMs): boolean {
    const some = requests.length > 0;
    while (requests.length > 0) end(now);
    return some;
  }

  return {
    serve(next, now) {
      const [first] = requests;
      if (first !== undefined && startedAt !== null) {
        const passed = (now - startedAt) * (service?.share ?? 0);
        first.leftMs = Math.max(0, first.leftMs - passed);
      }
      service = next;
      const ended = service === null && finish(now);
      start(now);
      return ended;
    },
    add(bytes, now, done) {
      if (service === null) {
        done();
        return;
      }
      requests.push({ leftMs: service.requestMs + bytes / service.bytesPerMs, done });
      if (requests.length === 1) start(now);
    },
    dueAt: () => dueAt,
    advance(now) {
      let some = false;
      while (dueAt <= now) {
        some = true;
        end(after(now, dueAt - now));
      }
      return some;
    },
    finish,
    forget() {
      requests.length = 0;
      busySince = null;
      dueAt = Infinity;
    },
    takeBusy(now) {
      if (busySince !== null && busySince < now) {
        addSpell(busy, { from: busySince, to: now });
        busySince = now;
      }
      const taken = busy;
      busy = [];
      return taken;
    },
  };
}
