/**
 * A run as a trace that https://ui.perfetto.dev and chrome://tracing open.
 *
 * References:
 * - Trace Event Format, "JSON Object Format": event types X (complete), i (instant), M (metadata)
 *   https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU
 * - What Perfetto reads of it: https://perfetto.dev/docs/getting-started/other-formats
 */
import type { RunReport } from "../reboot/report.js";
import { gapsOf, longestGap } from "./gaps.js";

/** One entry of `traceEvents`; `ts` and `dur` are microseconds of virtual time. */
export type TraceEvent =
  | { ph: "M"; pid: number; tid: number; name: string; args: { name: string } }
  | { ph: "M"; pid: number; tid: number; name: "thread_sort_index"; args: { sort_index: number } }
  | { ph: "X"; pid: number; tid: number; name: string; ts: number; dur: number; args?: Facts }
  | { ph: "i"; pid: number; tid: number; name: string; ts: number; s: "t"; args?: Facts };

type Facts = Readonly<Record<string, string | number | boolean>>;

const PROCESS = 1;

/** The threads of the trace from top to bottom; an event of the host stands on the last. */
const THREADS = ["user (probe)", "downtime", "original", "reboot-dedicated", "host"] as const;

/** The run as a Chrome trace: phases and gaps as spans, events and answers of the probe as instants. */
export function toTrace(report: RunReport): { displayTimeUnit: "ms"; traceEvents: TraceEvent[] } {
  return {
    displayTimeUnit: "ms",
    traceEvents: [
      ...names(),
      ...phases(report),
      ...gaps(report),
      ...events(report),
      ...probe(report),
    ],
  };
}

function names(): TraceEvent[] {
  return [
    { ph: "M", pid: PROCESS, tid: 0, name: "process_name", args: { name: "shadow-reboot" } },
    ...THREADS.flatMap((name, index): TraceEvent[] => [
      { ph: "M", ...on(name), name: "thread_name", args: { name } },
      { ph: "M", ...on(name), name: "thread_sort_index", args: { sort_index: index } },
    ]),
  ];
}

function phases(report: RunReport): TraceEvent[] {
  return report.phases.map(({ name, machine, startMs, endMs, wallMs, downtime }) => ({
    ...span(name, machine, startMs, endMs),
    args: { downtime, wallMs: Number(wallMs.toFixed(1)) },
  }));
}

function gaps(report: RunReport): TraceEvent[] {
  const all = gapsOf(report.phases);
  const longest = longestGap(all);
  return all.map((gap) =>
    span(gap === longest ? "downtime" : "pause", "downtime", gap.startMs, gap.endMs),
  );
}

function events(report: RunReport): TraceEvent[] {
  return report.events.map(({ atMs, kind, machine, detail }) =>
    instant(kind, machine ?? "host", atMs, detail),
  );
}

function probe(report: RunReport): TraceEvent[] {
  return report.probe.map(({ sentMs, answeredMs }) =>
    answeredMs === null
      ? instant("no answer", "user (probe)", sentMs)
      : instant("answer", "user (probe)", answeredMs, {
          latencyMs: Number((answeredMs - sentMs).toFixed(6)),
        }),
  );
}

function span(name: string, thread: Thread, startMs: number, endMs: number) {
  const ts = microseconds(startMs);
  const dur = Number((microseconds(endMs) - ts).toFixed(3));
  return { ph: "X" as const, ...on(thread), name, ts, dur };
}

function instant(name: string, thread: Thread, atMs: number, args?: Facts): TraceEvent {
  const event = { ph: "i" as const, ...on(thread), name, ts: microseconds(atMs), s: "t" as const };
  return args ? { ...event, args } : event;
}

type Thread = (typeof THREADS)[number];

function on(thread: Thread): { pid: number; tid: number } {
  return { pid: PROCESS, tid: THREADS.indexOf(thread) + 1 };
}

/** Virtual milliseconds in microseconds, to the nanosecond. */
function microseconds(ms: number): number {
  return Number((ms * 1000).toFixed(3));
}
