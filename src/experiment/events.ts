import { z } from "zod";
import { virtualMs } from "../clock/virtual-time.js";
import type { RunEvent } from "../reboot/report.js";

/** A line of `events.jsonl`. */
const runEvent = z
  .object({
    atMs: z.number().transform(virtualMs),
    detail: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).exactOptional(),
    kind: z.string().min(1),
    machine: z.enum(["original", "reboot-dedicated"]).exactOptional(),
  })
  .strict();

/**
 * Reads the text of an `events.jsonl`.
 *
 * @throws {SyntaxError} naming the first line that is no event
 */
export function parseEvents(text: string): RunEvent[] {
  const lines = text.split("\n");
  if (lines.at(-1) === "") lines.pop();
  return lines.map((line, index) => {
    try {
      return runEvent.parse(JSON.parse(line));
    } catch (cause) {
      throw new SyntaxError(`line ${index + 1} is not an event of a run`, { cause });
    }
  });
}
