import type { RunEvent } from "./report.js";

/**
 * The events of a run as bytes that are equal exactly when the events are: one line of JSON an event,
 * in the order given, keys sorted, no white space, each line ended by a newline. `events.jsonl` holds
 * these bytes.
 *
 * Moments are cut to nanoseconds (six decimals), as in every other file of a run.
 */
export function eventsForDigest(events: readonly RunEvent[]): Uint8Array {
  return new TextEncoder().encode(events.map((event) => `${eventLine(event)}\n`).join(""));
}

/** The keys stand here in the alphabet's order; JSON leaves out those without a value. */
function eventLine({ atMs, detail, kind, machine }: RunEvent): string {
  return JSON.stringify({
    atMs: Number(atMs.toFixed(6)),
    detail: detail && sortedByKey(detail),
    kind,
    machine,
  });
}

function sortedByKey(detail: NonNullable<RunEvent["detail"]>): NonNullable<RunEvent["detail"]> {
  return Object.fromEntries(Object.entries(detail).sort(([a], [b]) => (a < b ? -1 : 1)));
}
