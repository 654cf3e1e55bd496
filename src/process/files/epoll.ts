/**
 * Instances of epoll and what they watch.
 *
 * References:
 * - [epoll(7)], [epoll_ctl(2)], [proc_pid_fdinfo(5)]: lines `tfd`; [kcmp(2)] KCMP_EPOLL_TFD
 *
 * An instance watches open files, each under the number that its descriptor had at the time, which may
 * be closed by now. What is watched by edges may be told once more than it happened. A file that was
 * watched for one event, and has told it, stays silent but for errors and hangups.
 */
import { z } from "zod";
import type { Program } from "../../guest/gate.js";
import { ProcfsError } from "../../guest/procfs.js";
import type { Stub } from "../../guest/stub-session.js";
import {
  CannotCarry,
  type CaptureContext,
  type FileKind,
  type FoundFile,
  nameOf,
} from "./file-kind.js";

const watchSchema = z.strictObject({
  /** The number that the file is watched under. */
  number: z.int().min(0),
  /** As of `struct epoll_event`. */
  events: z.int(),
  data: z.bigint(),
});
type Watch = z.infer<typeof watchSchema>;

/** @see epoll */
export const epollSchema = z.strictObject({
  kind: z.literal("epoll"),
  watches: z.array(
    watchSchema.extend({
      /** Index of the open file in the image. */
      file: z.int().min(0),
    }),
  ),
});
type Epoll = z.infer<typeof epollSchema>;

const KCMP_EPOLL_TFD = 7;
const EPOLL_CTL_ADD = 1;
const O_CLOEXEC = 0o2000000;

/** An instance of epoll. */
export const epoll: FileKind<Epoll> = {
  kind: "epoll",
  matches: ({ link }) => link === "anon_inode:[eventpoll]",

  *capture(stub, file, context) {
    const watches: Epoll["watches"] = [];
    for (const watch of parseWatches(file.info.get("tfd") ?? [])) {
      // Several files can be watched under one number, one after the other.
      const before = watches.filter(({ number }) => number === watch.number).length;
      watches.push({ ...watch, file: yield* findTarget(stub, file, watch, before, context) });
    }
    return { kind: "epoll", watches };
  },

  *open(stub) {
    return yield* stub.call("epoll_create1", 0);
  },

  // In the process, since a signalfd tells of the signals of whoever has it watched.
  *settle(stub, { watches }, fd, context) {
    for (const { number, file, events, data } of watches) {
      const target = yield* context.take(file);
      yield* stub.call("dup3", target, number, O_CLOEXEC);
      const event = new DataView(new ArrayBuffer(12));
      event.setUint32(0, events, true);
      event.setBigUint64(4, data, true);
      const bytes = new Uint8Array(event.buffer);
      yield* stub.call("epoll_ctl", fd, EPOLL_CTL_ADD, number, bytes);
      yield* stub.call("close", number);
      yield* stub.call("close", target);
    }
  },
};

/** Parses the values of the lines `tfd` of an fdinfo. */
export function parseWatches(values: readonly string[]): Watch[] {
  return values.map((value) => {
    const found = /^(\d+) events: *([0-9a-f]{1,8}) data: *([0-9a-f]{1,16})(?: |$)/.exec(value);
    if (found === null) throw new ProcfsError(`no target of an epoll instance: "${value}"`);
    const [, number, events = "", data = ""] = found;
    return { number: Number(number), events: parseInt(events, 16), data: BigInt(`0x${data}`) };
  });
}

/** Index of the file that is watched: most likely it still has its number. */
function* findTarget(
  stub: Stub,
  epollFile: FoundFile,
  { number }: Watch,
  offset: number,
  { holders }: CaptureContext,
): Program<number> {
  const slot = new Uint8Array(Uint32Array.of(epollFile.number, number, offset).buffer);
  const isLikely = (pid: number, its: number): boolean => pid === epollFile.pid && its === number;
  const likely = holders.filter((holder) => isLikely(holder.pid, holder.number));
  const others = holders.filter((holder) => !isLikely(holder.pid, holder.number));
  for (const holder of [...likely, ...others]) {
    const args = [holder.pid, epollFile.pid, KCMP_EPOLL_TFD, holder.number, slot] as const;
    if ((yield* stub.call("kcmp", ...args)) === 0) return holder.file;
  }
  throw new CannotCarry(
    `${nameOf(epollFile)} watches a file as descriptor ${number} that no moved process has open`,
  );
}
