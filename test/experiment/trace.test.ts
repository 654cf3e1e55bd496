import { describe, expect, test } from "vitest";
import { z } from "zod";
import { toTrace } from "../../src/experiment/trace.js";
import { sampleReport } from "./sample-report.js";

const place = { pid: z.number().int(), tid: z.number().int(), name: z.string() };
const facts = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).optional();

/** What the Trace Event Format asks of the three types that are used. */
const trace = z.strictObject({
  displayTimeUnit: z.enum(["ms", "ns"]),
  traceEvents: z.array(
    z.discriminatedUnion("ph", [
      z.strictObject({ ph: z.literal("M"), ...place, args: z.record(z.string(), z.unknown()) }),
      z.strictObject({
        ph: z.literal("X"),
        ...place,
        ts: z.number().nonnegative(),
        dur: z.number().nonnegative(),
        args: facts,
      }),
      z.strictObject({
        ph: z.literal("i"),
        ...place,
        ts: z.number().nonnegative(),
        s: z.enum(["g", "p", "t"]),
        args: facts,
      }),
    ]),
  ),
});

function traceOf(strategy: "reboot" | "shadow") {
  return trace.parse(JSON.parse(JSON.stringify(toTrace(sampleReport(strategy))))).traceEvents;
}

/** The number of the thread that the metadata call `name`. */
function thread(events: ReturnType<typeof traceOf>, name: string): number | undefined {
  return events.find(
    (event) => event.ph === "M" && event.name === "thread_name" && event.args.name === name,
  )?.tid;
}

describe("a run as a Chrome trace", () => {
  test("has one process and a thread for each machine, the user and the downtime", () => {
    const events = traceOf("shadow");
    expect(new Set(events.map((event) => event.pid)).size).toBe(1);
    const names = ["user (probe)", "downtime", "original", "reboot-dedicated", "host"];
    const threads = names.map((name) => thread(events, name));
    expect(threads).not.toContain(undefined);
    expect(new Set(threads).size).toBe(names.length);
  });

  test("has every phase on its machine's thread, in microseconds", () => {
    const events = traceOf("shadow");
    const kernel = events.find((event) => event.ph === "X" && event.name === "kernel");
    expect(kernel).toMatchObject({
      tid: thread(events, "reboot-dedicated"),
      ts: 5_224_250,
      dur: 5_104_500,
      args: { downtime: false },
    });
  });

  test("marks the downtime and the shorter pause", () => {
    const events = traceOf("shadow");
    const gaps = events.flatMap((event) =>
      event.ph === "X" && event.tid === thread(events, "downtime") ? [[event.name, event.dur]] : [],
    );
    expect(gaps).toEqual([
      ["pause", 14_000],
      ["downtime", 46_000],
    ]);
  });

  test("has an instant for each event and each question of the probe", () => {
    const report = sampleReport("reboot");
    const events = traceOf("reboot");
    const instants = events.filter((event) => event.ph === "i");
    const ofUser = instants.filter((event) => event.tid === thread(events, "user (probe)"));
    expect(ofUser).toHaveLength(report.probe.length);
    expect(ofUser.filter((event) => event.name === "no answer")).toHaveLength(882);
    expect(instants.find((event) => event.name === "commit")?.tid).toBe(thread(events, "host"));
    expect(instants.find((event) => event.name === "update-applied")?.args).toEqual({
      kernel: "6.1.0-50-686",
      bytes: 5_312_768,
    });
  });
});
